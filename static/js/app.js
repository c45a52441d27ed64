// What makes pages live, one module for each behaviour. Everything works without them.
import "./times.js";
import "./live_refresh.js";
import "./table_filters.js";
import "./panel_choices.js";
import "./fill_and_copy.js";
import "./share_status.js";
import "./send_once.js";
import "./resubmission.js";
import "./unanswered.js";
import "./signed_out.js";
import "./cost_preview.js";
import "./price_slider.js";
import "./menus_and_panels.js";
import "./row_selection.js";
import "./todo_list.js";

document.documentElement.classList.add("js");
