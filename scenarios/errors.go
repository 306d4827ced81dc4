package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// Error is one problem found in a scenario file.
type Error struct {
	File         string // as the caller named it; may be empty
	Line, Column int    // 1-based; 1:1 where the file as a whole is meant
	End          int    // column after the last rune concerned; at least Column+1
	Path         string // place in the document, such as routes[2].answers[0].delay
	Msg          string // lower case, no final stop
	Hint         string // what to write instead, such as `did you mean "delay"?`; may be empty
	Warning      bool
	Source       string // the line, for an excerpt; "" where there is none
	Err          error  // the cause, if there is one
}

// Error returns the problem on one line, as file:line:column: message (hint).
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errors is every problem of a file, sorted by position.
type Errors []*Error

// Error returns the problems, a line each.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems one by one, for errors.As and errors.Is.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

func (es Errors) sort() {
	slices.SortStableFunc(es, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}
