package report

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"brownout/scenarios"
	"brownout/suites/verdict"
)

// randomTrial makes a trial in which everything may be anything, places outside of the source included.
func randomTrial(r *rand.Rand) Trial {
	text := func() string {
		words := []string{"the client", "retried 1.5s", "", "\x1b[2J", "日本語", "“quoted”", strings.Repeat("long", r.IntN(60)), "\n", "ok."}
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
		return b.String()
	}
	pos := func() scenarios.Pos {
		line, column := r.IntN(20), r.IntN(200)
		return scenarios.Pos{Line: line, Column: column, End: column + r.IntN(40) - 5}
	}
	span := func() time.Duration {
		return time.Duration(r.ExpFloat64() * float64(time.Second) * float64(r.IntN(3)) * 10)
	}
	outcomes := []verdict.Outcome{verdict.Pass, verdict.Skip, verdict.Info, verdict.Warn, verdict.Inconclusive, verdict.Fail, verdict.Error}
	checks := []string{"attempts", "distinct_idempotency_keys", happened, "client"}
	t := Trial{Source: []byte(payments), Output: text(), Again: strings.Fields(text()), Evidence: []string{text()}, Rerun: text()}
	t.Verdict = verdict.Verdict{Scenario: text(), File: text(), Outcome: outcomes[r.IntN(len(outcomes))], Elapsed: span(), Reason: text()}
	for range r.IntN(9) {
		f := verdict.Finding{Check: checks[r.IntN(len(checks))], Outcome: outcomes[r.IntN(len(outcomes))], Sentence: text(), Summary: text(), Hint: text(),
			Expect: verdict.Note{Pos: pos(), Text: text()}, Why: text(), Pattern: text(), Others: strings.Fields(text())}
		if r.IntN(2) == 0 {
			f.Cause = &verdict.Note{Pos: pos(), Text: text()}
		}
		if r.IntN(2) == 0 {
			f.Proof = &verdict.Proof{Request: text(), Key: text(), Agent: text()}
			for n := range r.IntN(40) {
				at := span()
				f.Proof.Rows = append(f.Proof.Rows, verdict.Row{N: n, At: at, Sent: at, Done: at + span() - span(), Answer: text(), Waited: span() - time.Second,
					Allowed: text(), Due: span(), Good: r.IntN(2) == 0, Bad: r.IntN(2) == 0})
			}
		}
		t.Findings = append(t.Findings, f)
	}
	return t
}

// Whatever a verdict says, its page holds no control character and keeps to its width, but for the words of the command.
func TestPageOfAnything(t *testing.T) {
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		trial := randomTrial(r)
		style := Style{Width: minWidth + r.IntN(MaxWidth-minWidth+1), ASCII: r.IntN(2) == 0}
		page := Page(&trial, style, r.IntN(4) == 0)
		for l := range strings.Lines(page) {
			l = strings.TrimSuffix(l, "\n")
			if columns(l) > style.width() && !strings.Contains(l, "longlong") {
				t.Fatalf("seed %d, width %d: a line of %d columns: %q", seed, style.width(), columns(l), l)
			}
			if strings.ContainsFunc(l, unprintable) {
				t.Fatalf("seed %d: a control character in %q", seed, l)
			}
		}
		var sink strings.Builder
		if err := JSON(&sink, &Run{Trials: []Trial{trial}}); err != nil {
			t.Fatal(err)
		}
	}
}
