// Runs an image on an emulated RP2040, by rp2040js, without the boot loader in
// ROM: emulate.cjs RP2040JS_FOLDER IMAGE.uf2. The first serial port is standard
// error, the second standard input and output. It ends with its input, and fails
// at the first access to memory that the real chip refuses.
"use strict"
const fs = require("fs"), path = require("path"), Module = require("module")
const [, , folder, image] = process.argv

// The emulator's SBCS (1.4.1) takes a borrow into the subtrahend before it looks
// for an overflow, and so takes the difference of 0 and 0x7fffffff less one for
// one: 64-bit comparisons with the greatest number go wrong.
const wrong = `this.registers[Rdn] = this.substractUpdateFlags(this.registers[Rdn], this.registers[Rm] + (1 - (this.C ? 1 : 0)));`
const right = `const a = this.registers[Rdn], b = this.registers[Rm], d = this.substractUpdateFlags(a, b + (1 - (this.C ? 1 : 0)));
this.V = ((a ^ b) & (a ^ d)) < 0;
this.Z = (d | 0) === 0;
this.registers[Rdn] = d;`
const load = Module._extensions[".js"]
Module._extensions[".js"] = (m, file) => {
  const compile = m._compile
  m._compile = (code, name) => compile.call(m, path.basename(file) === "cortex-m0-core.js" ? code.replace(wrong, right) : code, name)
  load(m, file)
}
const cjs = path.join(folder, "node_modules", "rp2040js", "dist", "cjs")
const { RP2040 } = require(path.join(cjs, "rp2040.js"))
const { SimulationClock } = require(path.join(cjs, "clock", "simulation-clock.js"))

const clock = new SimulationClock(), chip = new RP2040(clock), core = chip.core
function fail(text) {
  process.stderr.write(`${text}, pc=0x${core.PC.toString(16)}\n`)
  process.exit(3)
}
chip.logger = { debug() {}, info() {}, warn() {}, error: (part, text) => fail(`${part}: ${text}`) }
for (const [name, mask] of [["readUint16", 1], ["writeUint16", 1], ["readUint32", 3], ["writeUint32", 3]]) {
  const access = chip[name].bind(chip)
  chip[name] = (address, value) => {
    if (address & mask) fail(`unaligned: ${name} at 0x${(address >>> 0).toString(16)}`)
    return access(address, value)
  }
}

// Blocks of 512 bytes (https://github.com/microsoft/uf2).
const flash = 0x10000000, blocks = fs.readFileSync(image)
for (let at = 0; at < blocks.length; at += 512) {
  const to = blocks.readUInt32LE(at + 12), size = blocks.readUInt32LE(at + 16)
  chip.flash.set(blocks.subarray(at + 32, at + 32 + size), to - flash)
}
// The vector table stands behind the 256 bytes of the second stage.
const table = flash + 256
core.VTOR = table
core.SP = chip.readUint32(table)
core.PC = chip.readUint32(table + 4) & ~1

const [serial, net] = chip.uart, out = [], queue = []
let at = 0
serial.onByte = c => process.stderr.write(String.fromCharCode(c))
net.onByte = c => out.push(c)
process.stdin.on("data", d => queue.push(d))
process.stdin.on("end", () => process.exit(0))

function feed() {
  while (queue.length && !net.rxFIFO.full) {
    net.feedByte(queue[0][at++])
    if (at === queue[0].length) {
      queue.shift()
      at = 0
    }
  }
}

function run() {
  const cycle = 1e9 / 125e6, end = Date.now() + 5
  do {
    for (let i = 0; i < 20000; i++) {
      if (core.waiting) {
        clock.tick(clock.nanosToNextAlarm || cycle)
        i += 200
      } else {
        clock.tick(core.executeInstruction() * cycle)
      }
      if ((i & 63) === 0) feed()
    }
  } while (Date.now() < end)
  if (out.length) {
    process.stdout.write(Buffer.from(out))
    out.length = 0
  }
  setImmediate(run)
}
run()
