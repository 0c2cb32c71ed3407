// Package coapdial asks CoAP servers, for programs that run on a system with
// package net.
package coapdial
