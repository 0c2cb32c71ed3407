//go:build amd64 || arm64

package main

// page is what a browser sees at /. It is not a file of its own, since package
// embed would bring half of an operating system with it.
const page = `<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Bobtail</title>
<style>body{font:16px sans-serif;max-width:40em;margin:2em auto}</style>
<h1>Bobtail, tiny</h1>
<p>A static program of some 30 KB, without a heap: HTTP, WebSocket and CoAP over TCP.
<p><a href="/plaintext">/plaintext</a> <a href="/json">/json</a> <a href="/stats">/stats</a> <a href="/sleep?ms=500">/sleep?ms=500</a>
<form id="f"><input id="m" value="Hello, squid" autofocus> <button>Echo</button></form>
<pre id="o"></pre>
<script>
const say=t=>o.textContent+=t+"\n",
w=new WebSocket(location.href.replace(/^http/,"ws").replace(/[^/]*$/,"ws"))
w.onopen=()=>say("open")
w.onmessage=e=>say("< "+e.data)
w.onclose=e=>say("closed "+e.code)
f.onsubmit=e=>{e.preventDefault();say("> "+m.value);w.send(m.value)}
</script>
`
