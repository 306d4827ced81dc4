//go:build unix

package drive

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownGroup gives the command a process group of its own, so that all of it can be ended and an interrupt at the terminal
// reaches this process alone.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// endGroup ends the process group that p leads: TERM, and after the grace, or once kill is closed, KILL. It returns when
// no process of the group is left.
func endGroup(p *os.Process, grace time.Duration, kill <-chan struct{}) {
	group := p.Pid
	if !alive(group) {
		return
	}
	_ = unix.Kill(-group, unix.SIGTERM)
	_ = unix.Kill(-group, unix.SIGCONT) // a stopped process takes no other signal
	graceful := time.NewTimer(grace)
	defer graceful.Stop()
	expired := graceful.C
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for alive(group) {
		select {
		case <-poll.C:
			continue
		case <-expired:
		case <-kill:
		}
		expired, kill = nil, nil
		_ = unix.Kill(-group, unix.SIGKILL)
	}
}

// alive reports whether a process group has a process that is not a zombie: where nothing reaps orphans, their zombies
// stay and take no signal.
func alive(group int) bool {
	if err := unix.Kill(-group, 0); err == unix.ESRCH {
		return false
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	if len(stats) == 0 { // no such file system: the signal has to do
		return true
	}
	for _, path := range stats {
		if stat, err := os.ReadFile(path); err == nil && inGroup(stat, group) {
			return true
		}
	}
	return false
}

// inGroup reports whether a process with that /proc/PID/stat is in the group and no zombie. The fields after the name,
// which may hold anything, are state, parent and group.
func inGroup(stat []byte, group int) bool {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return false
	}
	fields := bytes.Fields(stat[end+1:])
	if len(fields) < 3 || string(fields[2]) != strconv.Itoa(group) {
		return false
	}
	return string(fields[0]) != "Z" && string(fields[0]) != "X"
}

// signalName returns the name of the signal that ended a process, such as SIGSEGV; "" where none did.
func signalName(state *os.ProcessState) string {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return ""
	}
	if name := unix.SignalName(status.Signal()); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(status.Signal()))
}
