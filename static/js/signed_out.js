// When somebody signs out in one tab, the others show nothing any more: they load again, and so lead to the sign-in.
const channel = new BroadcastChannel("signed-out");

if (document.body.dataset.person) channel.addEventListener("message", () => location.reload());
else if (location.hash === "#signed-out") {
  history.replaceState(null, "", location.pathname);
  channel.postMessage("");
}
