//go:build windows

package drive

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// ownGroup keeps an interrupt at the console from the command.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// endGroup ends a process and those that it started. The system knows no TERM, so there is no grace; a process whose
// parent has ended before it is not found.
func endGroup(p *os.Process, _ time.Duration, _ <-chan struct{}) {
	_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(p.Pid)).Run()
}

// signalName returns "": no signals end processes here.
func signalName(*os.ProcessState) string { return "" }
