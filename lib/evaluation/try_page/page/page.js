"use strict";
const byId = (name) => document.getElementById(name);
let last = null; // the picture on show, for another choice of direction
let asked = 0; // answers to earlier pictures are dropped
let stream = null;

function say(text, isError) {
  byId("status").textContent = text;
  byId("status").className = isError ? "error" : "";
}

function show(answer) {
  const figures = answer.pictures.map(([title, source]) => {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    image.src = source;
    image.alt = title;
    const caption = document.createElement("figcaption");
    caption.textContent = title;
    figure.append(image, caption);
    return figure;
  });
  byId("result").replaceChildren(...figures);
  say(answer.remarks.join(". "), false);
}

async function translate(picture) {
  last = picture;
  const mine = ++asked;
  byId("result").replaceChildren();
  say("Translating …", false);
  const chosen = byId("direction").value;
  let answer;
  try {
    const address = "/translate" + (chosen ? "?direction=" + chosen : "");
    const response = await fetch(address, { method: "POST", body: picture });
    answer = await response.json();
  } catch (error) {
    answer = { error: "No answer from the program. Is it still running in its terminal?" };
  }
  if (mine !== asked) return;
  if (answer.error) say(answer.error, true);
  else show(answer);
}

function stopCamera() {
  if (stream) stream.getTracks().forEach((track) => track.stop());
  stream = null;
  byId("viewfinder").hidden = true;
}

byId("file").addEventListener("change", (event) => {
  if (event.target.files.length) translate(event.target.files[0]);
  event.target.value = ""; // so that the same file can be chosen again
});
byId("direction").addEventListener("change", () => { if (last) translate(last); });

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault(); // a picture dropped beside the field must not replace the page
    byId("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) translate(event.dataTransfer.files[0]);
  });
}

byId("camera").addEventListener("click", async () => {
  stopCamera();
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
  } catch (error) {
    say("The camera cannot be used (" + error.message + "). Allow it for this page, or choose a file.", true);
    return;
  }
  byId("video").srcObject = stream;
  byId("viewfinder").hidden = false;
  say("", false);
});

byId("take").addEventListener("click", () => {
  const video = byId("video");
  if (!video.videoWidth) return;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  stopCamera();
  canvas.toBlob(translate, "image/png");
});
