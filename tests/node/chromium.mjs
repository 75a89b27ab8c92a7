// Starts the Chromium of an npm package. Where it does not start, it says so and ends with 3.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import chromium, { inflate } from '@sparticuz/chromium'
import puppeteer from 'puppeteer-core'

const here = dirname(fileURLToPath(import.meta.url))

// The package unpacks into the folder of temporary files. Here it is unpacked once, and beside itself.
async function unpacked() {
  const folder = join(here, 'node_modules', '.chromium')
  if (existsSync(folder)) return folder
  const temporary = process.env.TMPDIR
  const partial = `${folder}.${process.pid}`
  mkdirSync(partial)
  process.env.TMPDIR = partial
  try {
    await chromium.executablePath()
    await inflate(join(here, 'node_modules', '@sparticuz', 'chromium', 'bin', 'al2023.tar.br'))
    renameSync(partial, folder)
  } finally {
    if (temporary === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = temporary
    rmSync(partial, { recursive: true, force: true })
  }
  return folder
}

const ARGUMENTS = ['--no-sandbox', '--no-zygote', '--disable-dev-shm-usage', '--disable-gpu', '--font-render-hinting=none',
  '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']

async function launched() {
  const folder = await unpacked()
  const fonts = { ...process.env, FONTCONFIG_PATH: join(folder, 'fonts') }
  const launch = (env) => puppeteer.launch({ executablePath: join(folder, 'chromium'), headless: 'shell', args: ARGUMENTS, env })
  try {
    return await launch(fonts)
  } catch {
    // A machine without the libraries that the browser needs: the package has them, too.
    return await launch({ ...fonts, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') })
  }
}

export async function started() {
  try {
    return await launched()
  } catch (fault) {
    console.error(`Chromium does not start on this machine: ${fault.message}`)
    process.exit(3)
  }
}
