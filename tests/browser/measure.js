// What a page's text is written in and on: every visible text of some elements, its size, and its contrast.
(root) => {
  const parse = (colour) => {
    const numbers = (colour.match(/-?[\d.]+(e-?\d+)?/g) ?? []).map(Number)
    if (colour.startsWith("color(srgb")) return [...numbers.slice(0, 3).map((part) => part * 255), numbers[3] ?? 1]
    return numbers.length < 3 ? [0, 0, 0, 0] : [...numbers.slice(0, 3), numbers[3] ?? 1]
  }
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]))
  const ground = (element) => {
    const layers = []
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor)
      if (colour[3] > 0) layers.push(colour)
      if (colour[3] === 1) break
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255])
  }
  const luminance = (colour) => {
    const linear = colour.slice(0, 3).map((part) => part / 255).map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
  }
  const found = []
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement
    const box = element.getBoundingClientRect(), style = getComputedStyle(element)
    const unseen = element.closest("style, script, .tlkit-unseen, [disabled], .heatmap-label, .hoverlayer")
    if (!text || unseen || !box.width || !box.height || style.visibility === "hidden") continue
    const below = ground(element)
    const colour = over(parse(element.closest("svg") ? style.fill : style.color), below)
    const [high, low] = [luminance(colour), luminance(below)].sort((a, b) => b - a)
    found.push({ text: text.slice(0, 40), contrast: (high + 0.05) / (low + 0.05), colour, below,
      left: box.left, right: box.right, top: box.top, bottom: box.bottom, svg: Boolean(element.closest("svg")) })
  }
  return found
}
