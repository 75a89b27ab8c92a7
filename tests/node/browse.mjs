// Opens the console in Chromium and does what a person does there. Reads what to visit as JSON from standard input, and
// prints what it saw as JSON.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { started } from './chromium.mjs'

const require = createRequire(import.meta.url)
const { address, pages, task, slot, shots, cut } = JSON.parse(readFileSync(0, 'utf8'))
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const browser = await started()

const seen = { violations: [], problems: [], outside: [], overflow: [] }

async function opened() {
  const page = await browser.newPage()
  await page.setViewport({ width: 1280, height: 800 })
  page.on('pageerror', (fault) => seen.problems.push(`${page.url()}: ${fault.message}`))
  page.on('console', (message) => message.type() === 'error' && seen.problems.push(`${page.url()}: ${message.text()}`))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(address) && !url.startsWith('data:')) seen.outside.push(url)
  })
  return page
}
const go = (page, path) => page.goto(new URL(path, address).href, { waitUntil: 'load' })
const submitted = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)])

// All rules of axe, or those that are named.
async function accessible(page, name, rules) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate((only) => axe.run(document, only ? { runOnly: only } : {}), rules)
  for (const one of violations) {
    seen.violations.push(`${name}: ${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`)
  }
}

const page = await opened()
for (const scheme of ['light', 'dark']) {
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  for (const path of pages) {
    await go(page, path)
    // In the dark the colours are others, and nothing else.
    await accessible(page, `${scheme} ${path}`, scheme === 'dark' ? ['color-contrast'] : undefined)
    const shot = shots[`${scheme} ${path}`]
    if (shot) await page.screenshot({ path: shot })
  }
}
await page.setViewport({ width: 390, height: 800 })
for (const path of pages) {
  await go(page, path)
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) seen.overflow.push(path)
}
await page.setViewport({ width: 1280, height: 800 })

// A filter, by its form. What a row of the grid is made of bounds how many of them a browser can move.
await go(page, '/')
seen.elements = await page.evaluate(() => document.querySelectorAll('#grid *').length / document.querySelectorAll('.track').length)
seen.skipped = await page.$eval('.rows li', (row) => getComputedStyle(row).contentVisibility)
await page.type('input[name=text]', task)
await submitted(page, '.filter button')
seen.filtered = await page.$$eval('.track', (tracks) => tracks.map((one) => one.dataset.task))

// The grid, by the keyboard alone.
for (let tabs = 0; tabs < 60 && !(await page.evaluate(() => document.activeElement.matches('.track'))); tabs += 1) {
  await page.keyboard.press('Tab')
}
const steps = await page.$eval('#grid', ({ dataset }, moment) => {
  return dataset.now - Math.floor((Date.parse(moment) - Date.parse(dataset.since)) / (dataset.column * 1000))
}, slot)
for (let moved = 0; moved < steps; moved += 1) await page.keyboard.press('ArrowLeft')
await page.waitForFunction((wanted) => document.querySelector('#cell').textContent.includes(wanted), {}, 'failed')
seen.said = await page.$eval('#said', (said) => said.textContent)
await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
seen.opened = new URL(page.url()).pathname

// A time, in the zone of the task.
await go(page, `/tasks/${task}`)
await page.select('#zone', 'task')
seen.times = await page.$$eval('#runs ~ table time', (times) => times.map((one) => one.textContent))
await page.select('#zone', 'utc')

// What somebody does on one page appears on another, which is not loaded again.
await page.evaluate(() => { window.here = 'all the time' })
await page.waitForFunction(() => document.querySelector('#fresh').textContent.startsWith('as of'))
const other = await opened()
await go(other, `/tasks/${task}`)
await other.type('form[action="/actions/pause"] input[name=reason]', 'a leak in the cellar')
await submitted(other, 'form[action="/actions/pause"] button')
seen.asked = await other.$eval('main', (main) => main.innerText)
await accessible(other, 'confirm')
await submitted(other, 'button.sure')
seen.done = await other.$eval('main', (main) => main.innerText)
await page.bringToFront()
await page.waitForFunction(() => document.querySelector('main').textContent.includes('a leak in the cellar'), { timeout: 15_000 })
seen.live = await page.evaluate(() => window.here)
seen.announced = await page.$eval('#said', (said) => said.textContent)

// AWS does not answer for a while: an open page says since when it is stale, and one that is opened says why.
const before = seen.problems.length
writeFileSync(cut, '')
await page.waitForFunction(() => !document.querySelector('#stale').hidden)
seen.stale = await page.$eval('#stale', (stale) => stale.textContent)
await accessible(page, 'stale')
await go(other, '/failures')
await other.evaluate(() => { window.here = 'all the time' })
seen.opened_stale = await other.$eval('h1', (title) => title.textContent)
rmSync(cut)
await other.waitForFunction(() => document.querySelector('h1').textContent === 'Failures')
seen.recovered = [(await other.title()).split(' ')[0], await other.evaluate(() => window.here)]
await page.bringToFront()
await page.waitForFunction(() => document.querySelector('#stale').hidden)
seen.still_stale = await page.$eval('#fresh', (fresh) => fresh.classList.contains('stale'))
// A browser reports each answer that says that something went wrong.
seen.problems.splice(before)

console.log(JSON.stringify(seen))
await browser.close()
