package verdict

import (
	"fmt"
	"strings"

	"brownout/chaosserver/journal"
)

// Exit codes by which a shell says that it could not run a command.
const (
	exitNotRun   = 126
	exitNotFound = 127
)

// clientErrors says what was wrong with the client itself, one finding for each kind of error.
func (e *evidence) clientErrors() []Finding {
	kinds := make(map[string]int)
	var findings []Finding
	var counts []int
	for i := range e.log.Clients {
		kind, sentence := clientError(&e.log.Clients[i])
		if kind == "" {
			continue
		}
		at, known := kinds[kind]
		if !known {
			at = len(findings)
			kinds[kind] = at
			findings = append(findings, Finding{Check: "client", Outcome: Error, Sentence: sentence})
			counts = append(counts, 0)
		}
		counts[at]++
	}
	for i, n := range counts {
		if n > 1 {
			findings[i].Sentence = fmt.Sprintf("%s: %s", plural(n, "process"), lower(findings[i].Sentence))
		}
	}
	return findings
}

// clientError says what was wrong with one process, and of what kind that is; "" where nothing was. A process without
// an exit code and without a signal was ended by the run itself, as it was meant to be.
func clientError(c *journal.Client) (kind, sentence string) {
	switch {
	case c.StartError != "":
		return c.StartError, fmt.Sprintf("The client could not be started: %s.", strings.TrimSuffix(c.StartError, "."))
	case c.TimedOut:
		return "time limit", fmt.Sprintf("The client was still running after %s, and was ended by the time limit.", short(c.Stop-c.Start))
	case c.Signal != "":
		return c.Signal, fmt.Sprintf("The client was ended by a signal: %s.", c.Signal)
	case c.Exit == exitNotRun:
		return "126", "The client exited with 126: its command could not be run."
	case c.Exit == exitNotFound:
		return "127", "The client exited with 127: its command was not found."
	}
	return "", ""
}

// recordErrors says what is wrong with the record.
func (e *evidence) recordErrors() []Finding {
	var findings []Finding
	if e.dropped > 0 {
		f := Finding{Check: "journal", Outcome: Inconclusive, Sentence: plural(e.dropped, "record") + " dropped"}
		var reasons []string
		for _, d := range e.log.Dropped {
			if d.Reason != "" && !strings.Contains(strings.Join(reasons, ", "), d.Reason) {
				reasons = append(reasons, d.Reason)
			}
		}
		if len(reasons) > 0 {
			f.Sentence += ": " + strings.Join(reasons, ", ")
		}
		findings = append(findings, f)
	}
	if n := len(e.broken); n > 0 {
		findings = append(findings, Finding{Check: "journal", Outcome: Error,
			Sentence: fmt.Sprintf("%s %s not given as the scenario says: %s", plural(n, "answer"), was(n), e.broken[0].Failure)})
	}
	return findings
}
