package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"brownout/chaosserver/journal"
)

// drainTime bounds how long a client's output is read on once its process group is gone: what it wrote is in the pipe by
// then, and only a process that left the group could keep the pipe open.
const drainTime = time.Second

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// run runs one process from start to end, and records it, unless ctx has ended before. The error is the recorder's.
func (p *Process) run(ctx context.Context, fill *strings.Replacer, stdin *os.File, base string, site Site, rec Recorder,
	call int) (journal.Client, error) {
	if ctx.Err() != nil {
		return journal.Client{Call: call, Exit: -1}, nil
	}
	args := make([]string, len(p.Args))
	for i, a := range p.Args {
		args[i] = fill.Replace(a)
	}
	client := journal.Client{Call: call, Start: rec.Now()}
	if len(args) == 0 {
		client.StartError = "no command was given"
	} else {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = p.Dir, p.environment(fill, base, site, call)
		if stdin != nil {
			cmd.Stdin = stdin
		}
		p.carryOut(ctx, cmd, &client)
	}
	client.Stop = rec.Now()
	return client, rec.Client(client)
}

// carryOut starts the command, waits for it, ends what is left of its group, and notes how it ended.
func (p *Process) carryOut(ctx context.Context, cmd *exec.Cmd, client *journal.Client) {
	out, err := p.connect(cmd)
	if err != nil {
		client.StartError, client.Exit = err.Error(), -1
		return
	}
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		out.close()
		client.StartError, client.Exit = startError(err), -1
		return
	}
	out.started()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ended := false
	select {
	case <-done:
	case <-ctx.Done():
		ended = true
		endGroup(cmd.Process, p.grace(), p.Kill)
		<-done
	}
	endGroup(cmd.Process, p.grace(), p.Kill) // what the client left behind
	out.close()
	noteExit(ctx, cmd.ProcessState, ended, client)
}

func (p *Process) grace() time.Duration {
	if p.Grace > 0 {
		return p.Grace
	}
	return DefaultGrace
}

// noteExit notes how a process ended; ended says that the run ended it.
func noteExit(ctx context.Context, state *os.ProcessState, ended bool, client *journal.Client) {
	client.Exit = state.ExitCode() // -1 for a signal
	cause := context.Cause(ctx)
	if ended && !errors.Is(cause, ErrTimedOut) {
		client.Exit = -1 // with no signal: the run ended it, as it was told to
		client.Interrupted = !errors.Is(cause, ErrEnough)
		return
	}
	client.TimedOut = ended
	client.Signal = signalName(state)
}

func startError(err error) string {
	var missing *exec.Error
	if errors.As(err, &missing) {
		return fmt.Sprintf("%s: %v", missing.Name, missing.Err)
	}
	return err.Error()
}

// An output carries what a process writes to the writer that wants it.
type output struct {
	read, write *os.File      // the pipe; nil where the process writes by itself
	copied      chan struct{} // closed when the reader is done
	to          io.Writer
}

// connect gives the command its outputs.
func (p *Process) connect(cmd *exec.Cmd) (*output, error) {
	o := &output{to: p.Output}
	switch w := p.Output.(type) {
	case nil:
		return o, nil
	case *os.File:
		cmd.Stdout, cmd.Stderr = w, w
		return o, nil
	}
	var err error
	if o.read, o.write, err = os.Pipe(); err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = o.write, o.write
	return o, nil
}

// started begins to read, once the process has the other end.
func (o *output) started() {
	if o.read == nil {
		return
	}
	o.write.Close()
	o.write = nil
	o.copied = make(chan struct{})
	go func() {
		defer close(o.copied)
		if _, err := io.Copy(o.to, o.read); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			_, _ = io.Copy(io.Discard, o.read) // the client must not block on a writer that has failed
		}
	}()
}

// close reads what is left and lets go of the pipe.
func (o *output) close() {
	if o.read == nil {
		return
	}
	if o.write != nil {
		o.write.Close()
	}
	if o.copied != nil {
		// A pipe that knows no deadlines ends with its last writer, and the group is gone.
		_ = o.read.SetReadDeadline(time.Now().Add(drainTime))
		<-o.copied
	}
	o.read.Close()
}
