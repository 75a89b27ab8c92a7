// Draws the overview in Chromium, scrolls through all of it and waits for a change. Reads the address as JSON from
// standard input, and prints how long each took in milliseconds, as JSON.
import { readFileSync } from 'node:fs'
import { started } from './chromium.mjs'

const { address } = JSON.parse(readFileSync(0, 'utf8'))
const browser = await started()
const page = await browser.newPage()
await page.setViewport({ width: 1280, height: 800 })
const begun = performance.now()
await page.goto(new URL('/?span=week', address).href, { waitUntil: 'load' })
await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
const drawn = performance.now() - begun
const rows = await page.$$eval('.track', (tracks) => tracks.length)
// Frames of a wheel that turns through the whole page.
const frames = await page.evaluate(async () => {
  const times = []
  let last = performance.now()
  for (let top = 0; top < document.documentElement.scrollHeight; top += 400) {
    scrollTo(0, top)
    await new Promise((resolve) => requestAnimationFrame(resolve))
    times.push(performance.now() - last)
    last = performance.now()
  }
  return times.sort((one, other) => one - other)
})
// What a live update does: the main part is put in place of the old one.
const replaced = await page.evaluate(async () => {
  const text = await (await fetch(location.href)).text()
  const before = performance.now()
  replaceMain(new DOMParser().parseFromString(text, 'text/html').querySelector('#main'))
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  return performance.now() - before
})
const at = (share) => frames[Math.min(frames.length - 1, Math.floor(frames.length * share))]
console.log(JSON.stringify({ rows, drawn, frames: frames.length, median: at(0.5), slow: at(0.95), slowest: at(1), replaced }))
await browser.close()
