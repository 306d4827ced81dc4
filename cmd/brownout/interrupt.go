package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// errInterrupted is why a context of interruptible ends.
var errInterrupted = errors.New("interrupted")

// interruptible returns a context that the first interrupt (SIGINT, SIGTERM, SIGHUP) ends, and a channel that the second
// closes. Until stop is called, a reader of this command's output that goes away does not kill the command either: clients
// in process groups of their own would be left behind. stop waits until nothing of it is left.
func interruptible(parent context.Context) (ctx context.Context, kill <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	killed := make(chan struct{})
	stopped := make(chan struct{})
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(interrupts, syscall.SIGHUP)
	}
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	var watch sync.WaitGroup
	watch.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stopped:
				return
			case <-interrupts:
			}
			if n == 0 {
				cancel(errInterrupted)
			} else {
				close(killed)
				return
			}
		}
	})
	return ctx, killed, func() {
		signal.Stop(interrupts)
		signal.Stop(pipes)
		close(stopped)
		watch.Wait()
		cancel(nil)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
