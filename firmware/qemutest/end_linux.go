package qemutest

import (
	"os/exec"
	"syscall"
)

// endWithUs has the process end when this one does, however that ends.
func endWithUs(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
