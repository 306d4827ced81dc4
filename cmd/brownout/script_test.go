//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"brownout": main,
		"client":   func() { os.Exit(client(os.Args[1:])) },
		"consumer": func() { os.Exit(consumer(os.Args[1:])) },
		"hang":     func() { os.Exit(hang(os.Args[1:])) },
		"die":      func() { die() },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, v := range []string{"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LC_ALL", "LC_CTYPE"} {
				env.Setenv(v, "")
			}
			env.Setenv("LANG", "C.UTF-8")
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":     exits,
			"interrupt": interrupt,
			"serving":   serving,
			"sender":    sender,
			"jsonlines": jsonLines,
			"plain":     plain,
		},
	})
}

// exits CODE COMMAND ARG...: the command ends with that exit code. Its output is at hand for stdout, stderr and cmp.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := exitCode(ts, err); strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s exited with %d, want %s", args[1], got, args[0])
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	ts.Fatalf("%v", err)
	return -1
}

// interrupt CODE FILE[,FILE] COMMAND ARG...: once a file is there an interrupt is sent, and once the next is there
// another; the command ends with that exit code. Its output is in the files out and err.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt CODE FILE[,FILE] COMMAND ARG...")
	}
	cmd := command(ts, args[2:])
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill() }) // nothing to kill, unless the script failed
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for file := range strings.SplitSeq(args[1], ",") {
		awaitFile(ts, ts.MkAbs(file), ended)
		ts.Check(cmd.Process.Signal(syscall.SIGINT))
	}
	code := exitCode(ts, <-ended)
	save(ts, &out, &errs)
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exited with %d, want %s\n%s\n%s", code, args[0], &out, &errs)
	}
}

func save(ts *testscript.TestScript, out, errs *bytes.Buffer) {
	ts.Check(os.WriteFile(ts.MkAbs("out"), out.Bytes(), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("err"), errs.Bytes(), 0o644))
}

// command makes a command of the script's environment and folder.
func command(ts *testscript.TestScript, words []string) *exec.Cmd {
	path := words[0]
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if p := filepath.Join(dir, words[0]); isFile(p) {
			path = p
			break
		}
	}
	cmd := exec.Command(path, words[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "GORACE", "WORK", "NO_COLOR", "FORCE_COLOR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

// awaitFile waits until a file is there.
func awaitFile(ts *testscript.TestScript, path string, ended <-chan error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !isFile(path) {
		select {
		case err := <-ended:
			ts.Fatalf("it ended before %s was there: %v", path, err)
		case <-tick.C:
		}
	}
}

// serving CODE SERVE-COMMAND... -- COMMAND ARG...: runs the command, with the server's address for {url}, while the first
// serves, and interrupts that; it ends with the exit code. Its output is in the files out and err.
func serving(ts *testscript.TestScript, neg bool, args []string) {
	dash := slices.Index(args, "--")
	if neg || dash < 2 {
		ts.Fatalf("usage: serving CODE SERVE-COMMAND... -- COMMAND ARG...")
	}
	cmd := command(ts, args[1:dash])
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	var out, errs bytes.Buffer
	cmd.Stderr = &errs
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill() }) // nothing to kill, unless the script failed
	lines := bufio.NewReader(io.TeeReader(stdout, &out))
	url := ""
	for url == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			_ = cmd.Wait()
			ts.Fatalf("no address came: %v\n%s%s", err, &out, &errs)
		}
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "chaos" {
			url = fields[1]
		}
	}
	if words := args[dash+1:]; len(words) > 0 {
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "{url}", url)
		}
		_ = ts.Exec(words[0], words[1:]...) // what it comes to is the verdict's business
	}
	ts.Check(cmd.Process.Signal(syscall.SIGINT))
	_, err = io.Copy(io.Discard, lines)
	ts.Check(err)
	code := exitCode(ts, cmd.Wait())
	save(ts, &out, &errs)
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("serve exited with %d, want %s\n%s\n%s", code, args[0], &out, &errs)
	}
}

// jsonlines FILE TYPE...: every line is a JSON object, and their types, each told once in a row, are these.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: jsonlines FILE TYPE...")
	}
	var types []string
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var e struct{ Type string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			ts.Fatalf("not JSON: %v: %s", err, line)
		}
		if len(types) == 0 || types[len(types)-1] != e.Type {
			types = append(types, e.Type)
		}
	}
	if !slices.Equal(types, args[1:]) {
		ts.Fatalf("types %q, want %q", types, args[1:])
	}
}

// plain FILE: no carriage return, no escape sequence.
func plain(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] plain FILE")
	}
	if is := !strings.ContainsAny(ts.ReadFile(args[0]), "\r\x1b"); is == neg {
		ts.Fatalf("%s: plain is %v", args[0], is)
	}
}

// hang FILE [stubborn]: makes the file, and waits for TERM; stubborn then makes FILE.term and stays.
func hang(args []string) int {
	terms := make(chan os.Signal, 1)
	notifyTerm(terms)
	if err := os.WriteFile(args[0], []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	<-terms
	if len(args) > 1 {
		_ = os.WriteFile(args[0]+".term", nil, 0o644)
		<-time.After(time.Hour)
	}
	return 0
}

// die ends by a signal.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	<-time.After(time.Hour)
}
