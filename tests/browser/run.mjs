// The demo's page in a real browser: what a person does in the first minute, what axe finds, what the policy refuses.
//
//   npm ci && node run.mjs [path of the araldo binary]
//
// ARALDO_BIN, CHROMIUM and SHOTS (a directory for screenshots) may be set. Ends with 0 when all is well, 1 when not, and
// 77 when there is no Chromium to try with.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.argv[2] ?? process.env.ARALDO_BIN ?? join(here, "../../target/debug/araldo");
const browserPath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => path && existsSync(path));
const shots = process.env.SHOTS ?? join(here, "shots");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = [[320, 640], [360, 800], [768, 1024], [1440, 900]];
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

if (!browserPath) {
  console.log("skipped: no Chromium; apt-get install chromium, or name one in CHROMIUM");
  process.exit(77);
}
if (!existsSync(binary)) {
  console.error(`no binary ${binary}: cargo build, or name one`);
  process.exit(1);
}

/** Starts the demo on free ports and reads its banner. */
async function startDemo() {
  const demo = spawn(binary, ["demo", "--any-port", "--log", "error"], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  const banner = await new Promise((resolve, reject) => {
    demo.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.includes("Ctrl-C")) resolve(text);
    });
    demo.on("exit", (code) => reject(new Error(`the demo ended with ${code}: ${text}`)));
  });
  const stop = () => new Promise((resolve) => {
    demo.removeAllListeners("exit");
    demo.on("exit", (code) => resolve({ code, text }));
    demo.kill("SIGINT");
  });
  return { url: banner.match(/page\s+(http:\S+)/)[1], stop };
}

const problems = [];

/** Notes everything that a console should not say. */
function listen(page, what) {
  page.on("console", (message) => {
    // The one refusal that the journey asks for.
    if (message.text().includes("status of 422")) return;
    if (["error", "warning"].includes(message.type())) problems.push(`${what}: console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${what}: ${error.message}`));
  // A script may be refused without a word in the console.
  page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
}

/** Findings of axe that are serious, once what slides in stands still. It is put in by the debugger, so the policy stands as it is. */
async function audit(page, what) {
  await page.evaluate(() => Promise.allSettled(document.getAnimations()
    .filter((animation) => animation.effect.getComputedTiming().iterations !== Infinity)
    .map((animation) => animation.finished)));
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of found.violations) {
    const nodes = violation.nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`);
    const line = `${what}: axe ${violation.impact}: ${violation.id}\n    ${nodes.slice(0, 3).join("\n    ")}`;
    if (["serious", "critical"].includes(violation.impact)) problems.push(line);
    else console.log(`  note ${line}`);
  }
}

async function step(name, work) {
  const begun = Date.now();
  await work();
  console.log(`ok ${name} (${Date.now() - begun} ms)`);
}

const row = (page, id) => page.locator(`#feed tr[data-id="${id}"]`);
const carrier = (page, id) => page.locator(`#carrier-${id}`);
const webhook = (page, id) => page.locator(`#webhooks li[data-about="${id}"]`).first();
const habit = (page, id, word) => carrier(page, id).getByRole("button", { name: word, exact: true });

/** Sends by the form; gives the id. */
async function send(page, text, phone) {
  if (phone) await page.selectOption("#send-to", { label: phone });
  await page.fill("#send-text", text);
  // The answer to the message before must not be taken for this one's.
  await page.evaluate(() => document.getElementById("send-result").replaceChildren());
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const notice = page.locator("#send-result [data-sent]");
  await notice.waitFor();
  return notice.getAttribute("data-sent");
}

async function delivered(page, id, by) {
  await row(page, id).locator('[data-f="state"]', { hasText: /^delivered$/ }).waitFor({ timeout: 20_000 });
  if (by) assert.equal(await row(page, id).locator('[data-f="carrier"]').textContent(), by);
}

async function journey(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  listen(page, "journey");
  await page.goto(url);

  await step("a message of the trickle arrives on the phone", async () => {
    await page.locator("#phones").getByRole("link", { name: "All" }).click();
    await page.locator("#bubbles .bubble:visible").first().waitFor({ timeout: 10_000 });
    await page.locator('#feed tr[data-tone="good"]').first().waitFor({ timeout: 10_000 });
    assert.equal(await page.locator("#link-state").innerText(), "live");
  });
  await step("the trickle pauses", async () => {
    await page.getByRole("button", { name: "Pause the trickle" }).click();
    await page.getByRole("button", { name: "Start the trickle" }).waitFor();
  });
  await step("the server measures what is written", async () => {
    await page.fill("#send-text", "Caffè 📦");
    await page.locator("#measure", { hasText: "UCS-2" }).waitFor();
    await page.fill("#send-text", "x".repeat(161));
    await page.locator("#measure", { hasText: "161 of 306 septets" }).waitFor();
  });
  await step("a message sent by the form is delivered and on the phone", async () => {
    const text = `Per mano, ${Date.now()} <b>&</b> “virgolette”`;
    await page.locator("#phones").getByRole("link", { name: "Tom" }).click();
    const id = await send(page, text);
    await delivered(page, id);
    await page.locator("#bubbles .bubble:visible", { hasText: text }).waitFor();
    assert.ok(await row(page, id).evaluate((element) => element.hasAttribute("data-by-hand")));
  });
  await step("a message opens with timeline and PDUs, and closes", async () => {
    await page.locator("#feed .row-link").first().click();
    const drawer = page.locator("#drawer");
    await drawer.getByRole("heading", { name: "Timeline" }).waitFor();
    for (const name of ["submit_sm", "submit_sm_resp", "deliver_sm", "deliver_sm_resp"]) {
      await drawer.getByText(name, { exact: true }).first().waitFor();
    }
    await drawer.locator("summary").first().click();
    await drawer.getByText("destination_addr", { exact: true }).first().waitFor();
    await page.screenshot({ path: join(shots, "drawer-1440.png") });
    await audit(page, "drawer");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.getElementById("drawer").open);
  });
  await step("an event becomes a text on the phone, and the bank hears of it by a verified webhook", async () => {
    await page.getByRole("radio", { name: "English" }).check();
    await page.selectOption("#publish-to", { label: "Tom" });
    await page.getByRole("button", { name: "Card shipped", exact: true }).click();
    const made = page.locator("#publish-result [data-made]");
    await made.waitFor();
    await page.locator("#publish-result", { hasText: "com.bank.card.shipped.v1" }).waitFor();
    const id = await made.getAttribute("data-made");
    await delivered(page, id);
    await row(page, id).locator('[data-f="event"]', { hasText: "card-shipped" }).waitFor();
    await page.locator("#bubbles .bubble:visible", { hasText: "Your card *1234 has been shipped." }).waitFor();
    const told = webhook(page, id);
    await told.locator('[data-f="seal-box"]', { hasText: "verified" }).waitFor();
    assert.equal(await told.locator('[data-f="kind"]').textContent(), "message.delivered");
    assert.equal(await told.locator('[data-f="answer"]').textContent(), "answered 204");
    await page.screenshot({ path: join(shots, "event-1440.png") });
    await told.locator("a").click();
    const drawer = page.locator("#drawer");
    await drawer.getByText("rule card-shipped").waitFor();
    await drawer.getByText("webhook sent").waitFor();
    await audit(page, "drawer of an event");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.getElementById("drawer").open);
  });
  await step("a bank that is down is told after", async () => {
    const down = page.getByRole("button", { name: "Bank is down" });
    await down.click();
    await page.locator('#bank[data-down="true"]').waitFor();
    const id = await send(page, "Banca giù");
    await delivered(page, id);
    await webhook(page, id).locator('[data-f="answer"]', { hasText: "answered 503" }).waitFor();
    await page.locator('#bank [data-f="pending"]', { hasText: /^1$/ }).waitFor();
    await audit(page, "bank down");
    await webhook(page, id).locator('[data-f="answer"]', { hasText: "answered 204, try 2" }).waitFor({ timeout: 30_000 });
    await page.locator('#bank [data-f="pending"]', { hasText: /^0$/ }).waitFor();
    assert.equal(await down.getAttribute("aria-pressed"), "false");
  });
  await step("the phone texts, and is answered", async () => {
    await page.getByRole("button", { name: "SALDO" }).click();
    await page.locator('#bubbles .bubble[data-side="mine"]:visible', { hasText: "SALDO" }).waitFor();
    await page.locator("#bubbles .bubble:visible", { hasText: "2418,06 EUR" }).waitFor();
    await page.locator('#feed tr[data-tone="in"]').first().waitFor();
  });
  const type = async (text) => {
    await page.fill("#text-body", text);
    await page.keyboard.press("Enter");
    await page.locator('#bubbles .bubble[data-side="mine"]:visible', { hasText: text }).last().waitFor();
  };
  await step("money moves by the code that comes to the phone, and by no other", async () => {
    await page.getByRole("button", { name: "RICARICA 10" }).click();
    const asks = page.locator("#bubbles .bubble:visible", { hasText: "Ricarica 10,00 EUR" }).last();
    await asks.waitFor();
    const code = (await asks.locator('[data-f="text"]').textContent()).match(/\d{6}/)[0];
    const offer = page.locator("#text-code", { hasText: code });
    await offer.waitFor();
    await page.screenshot({ path: join(shots, "code-1440.png") });
    await audit(page, "a code on the phone");
    await type(String((Number(code) + 1) % 1_000_000).padStart(6, "0"));
    await page.locator("#bubbles .bubble:visible", { hasText: "Tentativi rimasti: 2" }).waitFor();
    await page.getByRole("button", { name: "RICARICA 10" }).click();
    const again = page.locator("#bubbles .bubble:visible", { hasText: "Ricarica 10,00 EUR" });
    await page.waitForFunction((n) => [...document.querySelectorAll("#bubbles .bubble")]
      .filter((bubble) => bubble.textContent.includes("Ricarica 10,00 EUR")).length === n, 2);
    const second = (await again.last().locator('[data-f="text"]').textContent()).match(/\d{6}/)[0];
    await page.locator("#text-code", { hasText: second }).click();
    await page.keyboard.press("Enter");
    await page.locator("#bubbles .bubble:visible", { hasText: "10,00 euro. Nuovo credito 2408,06 EUR" }).waitFor();
    await offer.waitFor({ state: "hidden" });
  });
  await step("in English the bank answers in English, and a card is blocked after a yes", async () => {
    await type("can you tell me my balance please");
    await page.locator("#bubbles .bubble:visible", { hasText: "Your balance is 2408,06 EUR" }).waitFor();
    await page.getByRole("button", { name: "BLOCK CARD" }).click();
    await page.locator("#bubbles .bubble:visible", { hasText: "YES or NO" }).waitFor();
    await type("yes");
    await page.locator("#bubbles .bubble:visible", { hasText: "Card blocked" }).waitFor();
    const said = await page.locator("#bubbles .bubble:visible").allTextContents();
    const place = (part) => said.findLastIndex((text) => text.includes(part));
    assert.ok(place("BLOCK CARD") < place("YES or NO") && place("YES or NO") < place("Card blocked"), said.join("\n"));
    await page.screenshot({ path: join(shots, "phone-1440.png") });
  });
  const phone = (name) => page.locator("#phones").getByRole("link", { name, exact: true }).click();
  const shown = (text) => page.locator("#bubbles .bubble:visible", { hasText: text });
  const publish = (name) => page.locator("#publish").getByRole("button", { name, exact: true }).click();
  const reach = async (word) => {
    const button = page.locator("#reach").getByRole("button", { name: word, exact: true });
    await button.click();
    await page.locator('#reach button[aria-pressed="true"]', { hasText: word }).waitFor();
  };
  await step("a card comes by RCS, and a chip that is tapped by keyboard blocks the bank card", async () => {
    await carrier(page, "zefiro").locator('[data-f="state"]', { hasText: "signed in" }).waitFor();
    await phone("Giulia");
    await page.getByRole("radio", { name: "Italian" }).check();
    await publish("Suspicious payment");
    const card = shown("Hai fatto tu questo pagamento?").last();
    await card.waitFor();
    for (const label of ["Sì, sono stato io", "Blocca carta", "Chiama la banca"]) {
      await card.getByRole("button", { name: label, exact: true }).waitFor();
    }
    assert.equal(await card.locator('[data-f="badge"]').textContent(), "RCS");
    await card.locator('[data-f="tick"]', { hasText: "read" }).waitFor();
    await page.locator("#phone-live", { hasText: "Hai fatto tu questo pagamento?" }).waitFor({ state: "attached" });
    await page.screenshot({ path: join(shots, "card-1440.png") });
    await audit(page, "a card on the phone");
    await card.getByRole("button", { name: "Sì, sono stato io", exact: true }).click();
    await shown("il pagamento è confermato").waitFor();
    await card.getByRole("button", { name: "Blocca carta", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.locator('#bubbles .bubble[data-side="mine"]:visible', { hasText: "Blocca carta" }).waitFor();
    await shown("SI o NO").last().waitFor();
    await type("si");
    await shown("Carta bloccata").waitFor();
    await page.screenshot({ path: join(shots, "card-blocked-1440.png") });
    const made = await page.locator("#publish-result [data-made]").getAttribute("data-made");
    await delivered(page, made, "zefiro");
    await row(page, made).locator(".row-link").click();
    const drawer = page.locator("#drawer");
    // Each of the two chips.
    await drawer.getByText("tapped", { exact: true }).nth(1).waitFor();
    await drawer.getByText("standaloneCard").waitFor();
    await audit(page, "drawer of a card");
    await page.keyboard.press("Escape");
  });
  await step("cards side by side have pictures, and an action is done by the phone", async () => {
    await publish("Card offers");
    const cards = shown("Carta Viaggi").last();
    await cards.waitFor();
    await page.waitForFunction(() => {
      const pictures = [...document.querySelectorAll("#bubbles .card-picture:not([hidden])")];
      return pictures.length === 3 && pictures.every((picture) => picture.complete && picture.naturalWidth > 0);
    });
    await page.screenshot({ path: join(shots, "carousel-1440.png") });
    await audit(page, "cards side by side");
    await publish("Branch opening");
    const card = shown("Apre la filiale").last();
    await card.waitFor();
    await page.screenshot({ path: join(shots, "branch-1440.png") });
    await card.getByRole("button", { name: "Segna in agenda" }).click();
    await shown("the phone notes “Apertura della filiale”").waitFor();
    await card.getByRole("button", { name: "Chiama", exact: true }).click();
    await shown("the phone dials +39800000100").waitFor();
    await audit(page, "a picture and chips");
  });
  await step("switched to SMS, the same event comes as a text within a second", async () => {
    const cards = await shown("Hai fatto tu questo pagamento?").count();
    await reach("SMS only");
    const begun = Date.now();
    await publish("Suspicious payment");
    const text = shown("Hai fatto tu il pagamento di 249,90").last();
    await text.waitFor();
    const took = Date.now() - begun;
    assert.ok(took < 1_000, `${took} ms`);
    assert.match(await text.locator('[data-f="carrier"]').textContent(), /^(aurora|borea)$/);
    assert.equal(await shown("Hai fatto tu questo pagamento?").count(), cards);
    await page.screenshot({ path: join(shots, "sms-1440.png") });
    await audit(page, "switched to SMS");
  });
  await step("without data the card is taken back, and the text comes", async () => {
    await reach("No data");
    const texts = await shown("Hai fatto tu il pagamento di 249,90").count();
    await publish("Suspicious payment");
    await page.waitForFunction((n) => [...document.querySelectorAll("#bubbles .bubble")]
      .filter((bubble) => bubble.textContent.includes("Hai fatto tu il pagamento di 249,90")).length === n, texts + 1);
    await reach("RCS");
    await phone("Tom");
  });
  await step("aurora breaks, and borea takes over", async () => {
    await habit(page, "aurora", "Down").click();
    await carrier(page, "aurora").locator('[data-f="state"]', { hasText: "link down" }).waitFor();
    for (let i = 0; i < 3; i += 1) await delivered(page, await send(page, `Fail-over ${i}`), "borea");
    await page.screenshot({ path: join(shots, "aurora-down-1440.png") });
  });
  await step("both break, messages wait, and go once one is mended", async () => {
    await habit(page, "borea", "Down").click();
    await carrier(page, "borea").locator('[data-f="state"]', { hasText: "link down" }).waitFor();
    const id = await send(page, "In attesa");
    await page.locator('[data-tally="queued"]', { hasText: /^1$/ }).waitFor();
    assert.equal(await row(page, id).locator('[data-f="state"]').textContent(), "queued");
    await habit(page, "aurora", "Whole").click();
    await delivered(page, id, "aurora");
    await habit(page, "borea", "Whole").click();
    await carrier(page, "borea").locator('[data-f="state"]', { hasText: "bound" }).waitFor();
  });
  await step("a carrier that refuses is passed over", async () => {
    await habit(page, "borea", "Refuse").click();
    await page.waitForFunction(() => document.getElementById("carrier-borea").dataset.habit === "refuse");
    for (let i = 0; i < 4; i += 1) await delivered(page, await send(page, `Rifiutato ${i}`), "aurora");
    await habit(page, "borea", "Whole").click();
  });
  await step("a carrier that never answers brings doubt, and the receipt settles it", async () => {
    await habit(page, "aurora", "Silent").click();
    await habit(page, "borea", "Down").click();
    await carrier(page, "borea").locator('[data-f="state"]', { hasText: "link down" }).waitFor();
    const id = await send(page, "In dubbio");
    await delivered(page, id);
    await habit(page, "aurora", "Whole").click();
    await habit(page, "borea", "Whole").click();
  });
  await step("what cannot be sent is said", async () => {
    await page.evaluate(() => { document.querySelector("#send-to option").value = "12"; });
    await page.selectOption("#send-to", "12");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.locator("#send-result", { hasText: "Not sent." }).waitFor();
  });
  await page.close();
}

/** Every size in both schemes: a look, and what axe says. */
async function looks(browser, url) {
  for (const scheme of ["light", "dark"]) {
    for (const [width, height] of SIZES) {
      const what = `${scheme} ${width}`;
      await step(what, async () => {
        const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce" });
        listen(page, what);
        await page.goto(url);
        await page.locator("#bubbles .card:visible").first().waitFor();
        await page.locator("#link-state", { hasText: "live" }).waitFor();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) problems.push(`${what}: ${wide} px wider than the window`);
        await audit(page, what);
        await page.screenshot({ path: join(shots, `${scheme}-${width}.png`), fullPage: true });
        await page.close();
      });
    }
  }
}

/** A page that is asked for a theme is drawn with it from the first byte. */
async function theme(browser, url) {
  const page = await browser.newPage({ colorScheme: "light" });
  listen(page, "theme");
  await page.goto(url);
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await page.waitForTimeout(200);
  const html = await (await page.request.get(url)).text();
  assert.match(html, /<html lang="en" data-theme="dark">/);
  await page.close();
}

/** Without script: links, forms, and no error. */
async function plain(browser, url) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(url);
  await page.fill("#send-text", "Senza script");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByRole("link", { name: "Follow it" }).click();
  await page.locator(".detail-text", { hasText: "Senza script" }).waitFor();
  await page.getByRole("link", { name: "All messages" }).click();
  await page.getByRole("button", { name: "Card blocked", exact: true }).click();
  await page.getByText("com.bank.card.blocked.v1").waitFor();
  await page.getByRole("link", { name: "follow it" }).click();
  await page.locator(".detail-text", { hasText: "La tua carta *1234" }).waitFor();
  await page.getByRole("link", { name: "All messages" }).click();
  await page.locator("#webhooks .webhook").first().waitFor();
  await page.getByRole("button", { name: "Chiama la banca" }).first().click();
  await page.getByText("“Chiama la banca”: the phone dials +39800000100").waitFor();
  await habit(page, "borea", "Slow").click();
  await page.waitForTimeout(600);
  await page.reload();
  assert.equal(await habit(page, "borea", "Slow").getAttribute("aria-pressed"), "true");
  await habit(page, "borea", "Whole").click();
  await context.close();
}

mkdirSync(shots, { recursive: true });
const demo = await startDemo();
const browser = await chromium.launch({ executablePath: browserPath, args: FLAGS });
let failed = null;
try {
  await journey(browser, demo.url);
  await looks(browser, demo.url);
  await step("a theme is kept without a flash", () => theme(browser, demo.url));
  await step("it works without script", () => plain(browser, demo.url));
} catch (error) {
  failed = error;
  const page = browser.contexts().flatMap((context) => context.pages())[0];
  await page?.screenshot({ path: join(shots, "failed.png") }).catch(() => {});
} finally {
  await browser.close();
}
const { code, text } = await demo.stop();
if (failed) console.error(failed);
for (const problem of problems) console.error(`not ok ${problem}`);
if (code !== 0 || !text.includes("delivered")) console.error(`not ok the demo ended with ${code}`);
const well = !failed && problems.length === 0 && code === 0;
console.log(well ? "all well" : "not well");
process.exit(well ? 0 : 1);
