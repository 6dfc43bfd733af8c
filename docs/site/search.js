// The box at the top: names and pages that contain all words, those that begin with them first.
const box = document.getElementById("search"), found = document.getElementById("found");
const up = document.body.dataset.up;
let chosen = -1;

function rank(title, words) {
    const text = title.toLowerCase();
    if (text === words.join(" ")) return 0;
    if (text.startsWith(words[0])) return 1;
    return new RegExp("[^a-z0-9]" + words[0].replace(/[^a-z0-9]/g, "\\$&")).test(text) ? 2 : 3;
}
box.addEventListener("input", () => {
    const words = box.value.toLowerCase().replace(/^kwire::/, "").split(/\s+/).filter(Boolean);
    found.textContent = "";
    chosen = -1;
    if (!words.length) return;
    const hits = searchIndex.filter(([title]) => words.every(word => title.toLowerCase().includes(word)));
    hits.sort((a, b) => rank(a[0], words) - rank(b[0], words) || a[0].length - b[0].length);
    for (const [title, what, address] of hits.slice(0, 12)) {
        const link = document.createElement("a"), note = document.createElement("small");
        link.href = up + address;
        link.textContent = title;
        note.textContent = what;
        link.append(note);
        found.append(link);
    }
    if (!hits.length) found.textContent = "nothing";
});
box.addEventListener("keydown", event => {
    const links = found.querySelectorAll("a");
    if (event.key === "Escape") { box.value = ""; found.textContent = ""; }
    if (!links.length) return;
    if (event.key === "Enter") location.href = links[Math.max(chosen, 0)].href;
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : links.length - 1) + (chosen < 0 && event.key === "ArrowUp" ? 1 : 0)) % links.length;
    links.forEach((link, i) => link.classList.toggle("chosen", i === chosen));
});
document.addEventListener("keydown", event => {
    if (event.key === "/" && document.activeElement !== box) { event.preventDefault(); box.focus(); }
});
