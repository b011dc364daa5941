// Starts the page. Every part also works, more plainly, without script: links are links and forms are forms.
import { startTheme } from "./theme.js";
import { startLive } from "./live.js";
import { startFeed } from "./feed.js";
import { startPhone } from "./phone.js";
import { startBank } from "./bank.js";
import { startCarriers } from "./carriers.js";
import { startTallies } from "./tallies.js";
import { startDrawer } from "./drawer.js";
import { startForms } from "./forms.js";
import { localise } from "./fill.js";

startTheme();
if (document.getElementById("board")) {
  localise(document);
  startDrawer();
  startForms();
  startLive([startFeed(), startPhone(), startBank(), startCarriers(), startTallies()]);
}
