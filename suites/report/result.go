package report

import (
	"fmt"
	"strings"
	"time"

	"brownout/scenarios"
	"brownout/suites/verdict"
)

// Run is the outcome of one run of one or more trials: the value that every report is made from.
type Run struct {
	Version string    // of brownout
	Start   time.Time // wall clock
	Elapsed time.Duration
	Outcome verdict.Outcome
	Exit    int // the exit code that the run ends with
	Trials  []Trial
	// Problem says why the run as a whole could not go on, such as an interrupt; "" otherwise.
	Problem string
	// Problems are those of the scenario files, where they kept the run from starting.
	Problems scenarios.Errors
}

// Trial is one scenario run against one client.
type Trial struct {
	verdict.Verdict
	Source   []byte   // the scenario's text, for excerpts; nil: none are drawn
	Again    []string // the command that runs this trial again, word by word; nil: not told
	Evidence []string // files about the trial; only those that exist
	Output   string   // the last of what the client wrote, where it was captured
	Rerun    string   // why the trial was run a second time; "" where it was not
}

// Counts is how many trials of a run came to which outcome. A trial that warns has passed.
type Counts struct {
	Failed, Passed, Inconclusive, Errors, Skipped int
	Warned                                        int // of those that passed
}

// Count counts the trials of a run.
func Count(trials []Trial) Counts {
	var c Counts
	for i := range trials {
		switch trials[i].Outcome {
		case verdict.Fail:
			c.Failed++
		case verdict.Error:
			c.Errors++
		case verdict.Inconclusive:
			c.Inconclusive++
		case verdict.Skip:
			c.Skipped++
		case verdict.Warn:
			c.Warned++
			c.Passed++
		default:
			c.Passed++
		}
	}
	return c
}

// String returns the counts as the last line of a report begins: "1 failed, 6 passed, 0 inconclusive". Errors,
// skipped trials and warnings are named where there are any.
func (c Counts) String() string {
	s := fmt.Sprintf("%d failed, %d passed", c.Failed, c.Passed)
	if c.Warned > 0 {
		s += fmt.Sprintf(" (%d with a warning)", c.Warned)
	}
	s += fmt.Sprintf(", %d inconclusive", c.Inconclusive)
	if c.Errors > 0 {
		s += fmt.Sprintf(", %d could not run", c.Errors)
	}
	if c.Skipped > 0 {
		s += fmt.Sprintf(", %d skipped", c.Skipped)
	}
	return s
}

// Title returns what a report calls the trial: the scenario's name after its file's, less folders that are no part of a
// built-in scenario's name, and less the extension: "payments › charge survives a 429".
func (t *Trial) Title() string {
	group := Group(t.File)
	if group == "" || group == t.Scenario {
		return t.Scenario
	}
	return group + " › " + t.Scenario
}

// Group returns the short name of a scenario file: "payments" for testdata/payments.brownout.yaml. A name without
// an extension, such as that of a built-in scenario, is kept whole.
func Group(file string) string {
	base := strings.TrimSuffix(strings.TrimSuffix(file, ".yaml"), ".yml")
	if base == file {
		return file
	}
	base = strings.TrimSuffix(base, ".brownout")
	if i := strings.LastIndexAny(base, `/\`); i >= 0 {
		base = base[i+1:]
	}
	return base
}
