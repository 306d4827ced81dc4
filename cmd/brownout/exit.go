package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"brownout/suites/verdict"
)

// The exit codes.
const (
	exitPassed       = 0   // passed
	exitFailed       = 1   // a check failed
	exitUsage        = 2   // the command line was wrong
	exitInvalid      = 3   // a scenario file is invalid; nothing was started
	exitCouldNotRun  = 4   // a port, a file or the client could not be had
	exitInconclusive = 5   // the client did not do enough to be judged
	exitInterrupted  = 130 // interrupted before a verdict
)

// exitCodes says what the exit codes mean, for the help of the commands that end with them.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitPassed, "passed"},
	{exitFailed, "a check failed"},
	{exitUsage, "the command line is wrong"},
	{exitInvalid, "a scenario file is invalid; nothing was started"},
	{exitCouldNotRun, "it could not run: a port, a file or the client could not be had"},
	{exitInconclusive, "inconclusive: the client did not do enough to be judged"},
	{exitInterrupted, "interrupted before a verdict"},
}

// exitOf returns the exit code of an outcome.
func exitOf(o verdict.Outcome) int {
	switch o {
	case verdict.Fail:
		return exitFailed
	case verdict.Error:
		return exitCouldNotRun
	case verdict.Inconclusive, verdict.Skip:
		return exitInconclusive
	}
	return exitPassed
}

// failure ends a command with an exit code. Its error, if there is one, is shown with the hint that says what to do.
type failure struct {
	code int
	err  error // nil: everything was said
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// usage is a mistake on the command line.
func usage(hint, format string, args ...any) error {
	return &failure{exitUsage, fmt.Errorf(format, args...), hint}
}

// exit ends a command that said everything there is to say.
func exit(code int) error {
	if code == exitPassed {
		return nil
	}
	return &failure{code: code}
}

// written turns the error of writing a result into one that ends the command.
func written(err error) error {
	if err == nil {
		return nil
	}
	return &failure{exitCouldNotRun, err, "see that the output can be written"}
}

// reportError writes an error of a command and returns its exit code. Errors that are not failures are those of the
// command line.
func reportError(stderr io.Writer, err error, command string) int {
	if err == nil {
		return exitPassed
	}
	f := &failure{code: exitUsage, err: err}
	if !errors.As(err, &f) && f.hint == "" {
		f.hint = fmt.Sprintf("run %s --help", command)
	}
	if f.err != nil {
		fmt.Fprintf(stderr, "brownout: %s\n", strings.TrimSuffix(f.err.Error(), "."))
		if f.hint != "" {
			fmt.Fprintf(stderr, "  %s\n", f.hint)
		}
	}
	return f.code
}
