// Small things that make pages live. Everything works without them.
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // Ages and local times, drawn here so that an unchanged page stays unchanged.
  const minute = 60, hour = 3600, day = 86400;
  const clock = (timeZone) => new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  const parts = (() => {
    try { return clock(root.dataset.zone); } catch { return clock(undefined); } // a zone that this browser does not know
  })();
  function local(stamp) {
    const said = Object.fromEntries(parts.formatToParts(stamp).map((part) => [part.type, part.value]));
    return `${said.weekday} ${said.day} ${said.month} ${said.hour}:${said.minute}`;
  }
  function age(seconds) {
    if (seconds < 0) return "just now";
    if (seconds < 45) return `${Math.round(seconds)} s ago`;
    if (seconds < 90 * minute) return `${Math.round(seconds / minute)} min ago`;
    if (seconds < 36 * hour) return `${Math.round(seconds / hour)} h ago`;
    return `${Math.round(seconds / day)} days ago`;
  }
  function drawTimes(within) {
    const now = Date.now();
    for (const element of within.querySelectorAll("time[data-ago]")) {
      const seconds = (now - Date.parse(element.dateTime)) / 1000;
      element.textContent = age(seconds);
      const limit = Number(element.dataset.stale);
      if (limit) element.classList.toggle("stale", seconds > limit);
    }
    for (const element of within.querySelectorAll("time[data-local]")) {
      element.textContent = local(Date.parse(element.dateTime));
    }
  }
  drawTimes(document);
  setInterval(() => drawTimes(document), 15000);

  // Live refresh: conditional, and never under somebody's hands.
  const EVERY = 30000;
  const live = () => document.querySelector("[data-live]");
  function busy(region) {
    const at = document.activeElement;
    if (document.hidden || (at && region.contains(at) && at.matches("input, select, textarea, button"))) return true;
    if (document.querySelector("[data-form]") || region.querySelector("input[name=pick]:checked")) return true;
    const selected = getSelection();
    return Boolean(selected && !selected.isCollapsed && region.contains(selected.anchorNode));
  }
  // What an address says of a table: no empty names, the choice of columns in one word or none.
  function tidy(form, said) {
    for (const [name, value] of [...said.entries()]) if (value === "") said.delete(name);
    const columns = form.querySelector("[data-columns]");
    if (columns) {
      const chosen = said.getAll("col"), usual = columns.dataset.columns.split(" ");
      said.delete("col");
      if (chosen.length !== usual.length || chosen.some((name) => !usual.includes(name))) said.append("cols", chosen.join("."));
    }
    if ([...said.keys()].length === 0) said.append("q", "");
  }
  function tick() {
    const region = live();
    if (region && window.htmx && !busy(region)) htmx.trigger(region, "refresh");
  }
  setInterval(tick, EVERY);
  document.addEventListener("fieldwatch:tick", tick);
  document.addEventListener("htmx:configRequest", (event) => {
    const region = live();
    if (event.detail.elt.matches("form[data-filters]")) {
      tidy(event.detail.elt, event.detail.formData);
    }
    const choice = event.detail.elt.closest("[data-choice]");
    if (choice) {
      // The link was drawn before choices of other panels: the address knows them all.
      const asked = new URLSearchParams(location.search);
      if (choice.dataset.key) asked.set(choice.dataset.choice, choice.dataset.key);
      else asked.delete(choice.dataset.choice);
      event.detail.path = `${location.pathname}?${asked}`;
    }
    if (region && event.detail.elt === region) {
      event.detail.path = location.pathname + location.search;
      event.detail.headers["If-None-Match"] = region.dataset.etag;
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const stamp = event.detail.xhr.getResponseHeader("Read-At");
    if (event.detail.successful) document.querySelector("[data-filters] > .unanswered")?.remove();
    const element = document.querySelector("time[data-read]");
    if (stamp && element) element.dateTime = stamp;
    drawTimes(document);
  });
  // What was unfolded stays unfolded.
  let unfolded = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    unfolded = [...event.detail.target.querySelectorAll("details[open][id]")].map((details) => details.id);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    drawTimes(document);
    for (const id of unfolded) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    const focus = event.target.querySelector && event.target.querySelector("[data-focus]");
    if (focus) focus.focus();
  });

  // What is suggested is taken over, to be sent with the rest.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    const field = button && document.getElementById(button.dataset.fill);
    if (!field) return;
    field.value = button.dataset.value;
    field.focus();
  });

  // Text goes to the clipboard; where the browser forbids that, it is selected to be copied by hand.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    const said = button.parentElement.querySelector("[data-copied]");
    try {
      await navigator.clipboard.writeText(field.value ?? field.textContent);
      said.textContent = "Copied";
    } catch (error) {
      field.focus();
      if (field.select) field.select();
      else getSelection().selectAllChildren(field);
      said.textContent = "Selected: press Ctrl+C or ⌘C to copy";
    }
  });

  // A form is sent once, and takes no typing meanwhile; one that speaks of the table on screen says
  // how it stands now.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-here]")) form.elements.query.value = location.search.slice(1);
    if (form.method === "post" && !event.defaultPrevented) form.inert = true;
    const button = event.submitter;
    if (!button?.matches("[data-once]")) return;
    button.dataset.word = button.textContent;
    setTimeout(() => { button.disabled = true; }); // once its own name and value are in what is sent
    button.textContent = button.dataset.once;
  });

  // What was sent while no session was open any more is kept in this tab, for the same person, until
  // its page is open again: then it is shown as it was typed.
  const { person, posted } = document.body.dataset;
  document.addEventListener("submit", ({ target: form }) => {
    if (!form.matches("[data-keep]")) return;
    const said = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken" && name !== "kept");
    const { pathname, search } = new URL(form.action);
    sessionStorage.setItem("kept", JSON.stringify({ person, to: pathname + search, said }));
  }, true); // before its fields are switched off
  const kept = JSON.parse(sessionStorage.getItem("kept"));
  if (kept && !person) document.querySelector("[data-kept]")?.removeAttribute("hidden");
  if (kept && person) {
    sessionStorage.removeItem("kept");
    if (posted === undefined && kept.person === person && kept.to === location.pathname + location.search) {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: kept.to, hidden: true });
      const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
      for (const [name, value] of [...kept.said, ["kept", "1"], ["csrfmiddlewaretoken", token]]) {
        const field = document.createElement("textarea");
        Object.assign(field, { name, value });
        form.append(field);
      }
      document.body.append(form);
      form.submit();
    }
  }

  // An answer that is shown in place of the form is an answer: nothing of it is kept.
  document.addEventListener("htmx:beforeSwap", ({ detail: { requestConfig, shouldSwap } }) => {
    if (shouldSwap && requestConfig.elt.matches("form[data-keep]")) sessionStorage.removeItem("kept");
  });

  // Where Fieldwatch itself does not answer, a form says so and can be sent again; a link is followed.
  function unanswered({ detail: { elt, xhr } }) {
    const form = elt.closest("form[data-keep], form[data-filters]");
    if (elt.matches("a[href]")) location.assign(elt.href);
    if (!form) return;
    const filters = form.matches("[data-filters]");
    if (elt === form && !filters && xhr.status === 403) location.assign(form.action);
    const button = form.querySelector("button[data-word]");
    if (button) Object.assign(button, { disabled: false, textContent: button.dataset.word });
    form.querySelector(".unanswered")?.remove();
    const said = document.createElement("p");
    Object.assign(said, { className: "error unanswered", role: "alert" });
    said.textContent = filters ? "Fieldwatch did not answer. The table is still as before this choice: try again."
      : "Fieldwatch did not answer. What you typed is still here: try again. However often a form is sent, its change is made once.";
    form.prepend(said);
  }
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, unanswered);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  // What a new price costs, before it is sent.
  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-cost]");
    if (!field) return;
    const out = document.getElementById(field.getAttribute("aria-describedby").split(" ")[0]);
    out.textContent = cost(field.value.trim(), field.dataset) || out.dataset.help;
  });
  function cost(text, { left, price, spent, budget, currency }) {
    if (left === undefined || !/^\d+(\.\d+)?$/.test(text) || !Number(text)) return "";
    const whole = (sum) => `${Math.round(sum).toLocaleString("en-GB")} ${currency}`;
    const ahead = Number(text) * Number(left), more = ahead - Number(price) * Number(left);
    let said = `${Number(left).toLocaleString("en-GB")} completes to come × ${text} = ${whole(ahead)}`;
    if (price && more) said += `, ${whole(Math.abs(more))} ${more > 0 ? "more" : "less"} than now`;
    if (spent === undefined) return `${said}.`;
    const end = Number(spent) + ahead;
    said += `. In the end ${whole(end)}`;
    if (budget === undefined) return `${said}.`;
    const rest = Number(budget) - end;
    return `${said}: ${whole(Math.abs(rest))} ${rest >= 0 ? "below" : "ABOVE"} the budget of ${whole(budget)}.`;
  }

  // What is typed anew is not what was previewed: that cannot be sent any more.
  document.addEventListener("input", (event) => {
    if (event.target.closest("[data-form=act]")) document.querySelector("[data-preview]")?.remove();
  });

  // The panel of a form closes without a round trip, and gives the focus back.
  function close(form) {
    const opener = document.getElementById(form.dataset.form);
    form.remove();
    if (opener) opener.focus();
  }
  const typedIn = (form) => [...form.querySelectorAll("input, textarea, option")].some((field) =>
    field.matches("option") ? field.selected !== field.defaultSelected && form.querySelector("option[selected]")
      : field.value !== field.defaultValue || field.checked !== field.defaultChecked);
  function menuOpen(open) {
    document.querySelector(".top").classList.toggle("open", open);
    document.querySelector(".menu").setAttribute("aria-expanded", String(open));
  }
  document.addEventListener("click", (event) => {
    const closer = event.target.closest("[data-close]");
    if (closer) {
      const form = closer.closest("[data-form]");
      if (!form || !form.closest("#form-here, #note-here")) return;
      event.preventDefault();
      close(form);
    }
    for (const box of document.querySelectorAll("details[data-menu][open]")) if (!box.contains(event.target)) box.open = false;
    if (event.target.closest(".menu")) menuOpen(!document.querySelector(".top.open"));
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, [contenteditable]");
    const box = event.key === "Escape" && event.target.closest("details[data-menu][open]");
    if (box) {
      box.open = false;
      box.querySelector("summary").focus();
    } else if (event.key === "Escape" && document.querySelector(".top.open .menu")?.checkVisibility()) {
      menuOpen(false);
      document.querySelector(".menu").focus();
    } else if (event.key === "Escape") {
      // What was typed is not thrown away by a key.
      const form = event.target.closest(":is(#form-here, #note-here) [data-form]");
      if (form && !typedIn(form)) close(form);
    }
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.getElementById("search");
    if (!search) return;
    event.preventDefault();
    menuOpen(true);
    search.focus();
    search.select();
  });

  // What is ticked is counted where it can be acted on.
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-pick-all]");
    if (all) for (const box of document.querySelectorAll("input[name=pick]")) box.checked = all.checked;
    const said = document.querySelector("[data-picked]");
    if (!said || !event.target.closest("[data-pick-all], input[name=pick]")) return;
    const number = document.querySelectorAll("input[name=pick]:checked").length;
    said.textContent = number ? `With ${number} group${number === 1 ? "" : "s"}:` : "Tick groups, then:";
    said.closest("form").classList.toggle("ready", number > 0);
  });

  // Filters answer as they are chosen.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-filters]");
    if (form) form.requestSubmit();
  });
})();
