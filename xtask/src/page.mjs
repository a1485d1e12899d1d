// Opens a page in headless Chromium, on a desk, on a phone, in dark mode and on paper, and fails if it is not as a page should be.
//
//     node page.mjs CHROMIUM PAGE.html DIRECTORY
//
// Speaks Chromium's DevTools protocol over the pipes 3 and 4, one JSON text ended by a zero byte at a time. Writes pictures of what it saw, and a
// PDF, into DIRECTORY.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [program, page, directory] = process.argv.slice(2);

const VIEWS = [
  { name: "desk", width: 1100, scheme: "light" },
  { name: "desk-dark", width: 1100, scheme: "dark" },
  { name: "phone", width: 360, scheme: "light" },
  { name: "phone-dark", width: 360, scheme: "dark" },
];

// Milliseconds that all of it may take.
const PATIENCE = 120_000;

const faults = [];

function browser() {
  const options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", "about:blank"];
  const child = spawn(program, options, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const [, , , commands, messages] = child.stdio;
  const waiting = new Map();
  const listeners = [];
  let rest = Buffer.alloc(0);
  let last = 0;
  messages.on("data", (data) => {
    rest = Buffer.concat([rest, data]);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const message = JSON.parse(rest.subarray(0, end).toString());
      rest = rest.subarray(end + 1);
      const answer = waiting.get(message.id);
      waiting.delete(message.id);
      if (answer && message.error) answer.reject(new Error(message.error.message));
      else if (answer) answer.resolve(message.result);
      else listeners.forEach((listener) => listener(message));
    }
  });
  const call = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      commands.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    });
  return { child, call, listen: (listener) => listeners.push(listener) };
}

// What the page logs, asks of the network, or throws.
function watch(message) {
  const { method, params } = message;
  if (method === "Runtime.consoleAPICalled") faults.push(`console: ${JSON.stringify(params.args)}`);
  if (method === "Runtime.exceptionThrown") faults.push(`exception: ${params.exceptionDetails.text}`);
  if (method === "Log.entryAdded") faults.push(`log: ${params.entry.text}`);
  if (method === "Network.requestWillBeSent" && params.request.url !== url) faults.push(`request: ${params.request.url}`);
}

// What a reader would see, measured in the page.
function measure() {
  const shown = (element) => element.getBoundingClientRect().width > 0 && element.getBoundingClientRect().height > 0;
  const pictures = [...document.querySelectorAll("svg")];
  const outside = [...document.querySelectorAll("svg text")].filter((text) => {
    const [inner, outer] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()];
    return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
  });
  const style = getComputedStyle(document.body);
  const brightness = (color) => color.match(/[\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;
  return {
    scroll: document.documentElement.scrollWidth,
    inner: innerWidth,
    height: Math.ceil(document.documentElement.scrollHeight),
    pictures: pictures.length,
    hidden: pictures.filter((picture) => !shown(picture)).length,
    untitled: pictures.filter((picture) => picture.firstElementChild?.tagName !== "title").length,
    outside: outside.map((text) => text.textContent),
    dark: brightness(style.backgroundColor) < brightness(style.color),
    scripts: document.scripts.length,
  };
}

function expect(view, what, holds) {
  if (!holds) faults.push(`${view}: ${what}`);
}

async function look(call, view) {
  const size = { width: view.width, height: 900, deviceScaleFactor: 1, mobile: view.width < 500 };
  await call("Emulation.setDeviceMetricsOverride", size);
  await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: view.scheme }] });
  const { result } = await call("Runtime.evaluate", { expression: `(${measure})()`, returnByValue: true });
  const seen = result.value;
  expect(view.name, `${seen.scroll} pixels wide, more than the ${seen.inner} of the window`, seen.scroll <= seen.inner);
  expect(view.name, "no pictures", seen.pictures > 0);
  expect(view.name, `${seen.hidden} pictures are not shown`, seen.hidden === 0);
  expect(view.name, `${seen.untitled} pictures have no title`, seen.untitled === 0);
  expect(view.name, `texts reach out of their picture: ${seen.outside.join(", ")}`, seen.outside.length === 0);
  expect(view.name, `not ${view.scheme}`, seen.dark === (view.scheme === "dark"));
  expect(view.name, "a script", seen.scripts === 0);
  const clip = { x: 0, y: 0, width: view.width, height: seen.height, scale: 1 };
  const { data } = await call("Page.captureScreenshot", { clip, captureBeyondViewport: true });
  writeFileSync(join(directory, `${view.name}.png`), Buffer.from(data, "base64"));
  return seen;
}

const url = pathToFileURL(resolve(page)).href;
const { child, call, listen } = browser();
const ended = new Promise((_, reject) => child.on("exit", (code) => reject(new Error(`${program} ended: ${code}`))));
const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no answer in time")), PATIENCE).unref());

async function test() {
  const { targetId } = await call("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
  const ask = (method, params) => call(method, params, sessionId);
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await ask(`${domain}.enable`);
  listen(watch);
  const loaded = new Promise((done) => listen(({ method }) => method === "Page.loadEventFired" && done()));
  await ask("Page.navigate", { url });
  await loaded;
  let seen;
  for (const view of VIEWS) seen = await look(ask, view);
  await ask("Emulation.clearDeviceMetricsOverride");
  const { data } = await ask("Page.printToPDF", { preferCSSPageSize: true });
  const pdf = Buffer.from(data, "base64");
  expect("paper", "no PDF", pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > 10_000);
  writeFileSync(join(directory, "paper.pdf"), pdf);
  return seen;
}

try {
  const seen = await Promise.race([test(), ended, late]);
  console.log(`${seen.pictures} pictures in ${VIEWS.length} views and on paper, in ${directory}`);
} catch (error) {
  faults.push(error.message);
}
faults.forEach((fault) => console.error(fault));
child.removeAllListeners("exit");
child.kill();
process.exit(faults.length === 0 ? 0 : 1);
