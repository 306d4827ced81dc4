package fault

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerfd is an alarm by timerfd_create(2). The runtime's poller waits for it as for a socket.
type timerfd struct {
	file *os.File
	conn syscall.RawConn
}

func newAlarm() (alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "timerfd")
	conn, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &timerfd{f, conn}, nil
}

func (t *timerfd) set(d time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}
	var failed error
	if err := t.conn.Control(func(fd uintptr) { failed = unix.TimerfdSettime(int(fd), 0, &spec, nil) }); err != nil {
		return err
	}
	return os.NewSyscallError("timerfd_settime", failed)
}

func (t *timerfd) await() error {
	var times [8]byte // that it went off, which nobody needs
	_, err := t.file.Read(times[:])
	return err
}

func (t *timerfd) Close() error { return t.file.Close() }
