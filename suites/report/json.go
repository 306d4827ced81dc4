package report

import (
	"encoding/json"
	"io"
	"time"

	"brownout/scenarios"
	"brownout/suites/verdict"
)

// FormatVersion is the version of the JSON format. It grows when a field's meaning changes or a field goes away; fields are
// added without notice.
const FormatVersion = 1

// Millis is a duration in JSON: milliseconds, a number with as many decimals as it needs.
type Millis time.Duration

// MarshalJSON writes the duration in milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(m) / float64(time.Millisecond))
}

// UnmarshalJSON reads a duration in milliseconds.
func (m *Millis) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*m = Millis(f * float64(time.Millisecond))
	return nil
}

// Document is the JSON report of a run, and the last object that --format json writes.
type Document struct {
	Type     string     `json:"type"`    // "verdict"
	Format   int        `json:"format"`  // FormatVersion
	Version  string     `json:"version"` // of brownout
	Start    time.Time  `json:"start"`   // wall clock
	Elapsed  Millis     `json:"elapsed_ms"`
	Outcome  string     `json:"outcome"` // pass, fail, error or inconclusive
	Exit     int        `json:"exit"`    // exit code
	Counts   CountsJSON `json:"counts"`
	Problem  string     `json:"problem,omitempty"`  // why the run could not go on
	Problems []Problem  `json:"problems,omitempty"` // of the scenario files, where they are invalid
	Trials   []TrialDoc `json:"trials"`
}

// CountsJSON is Counts in JSON.
type CountsJSON struct {
	Failed       int `json:"failed"`
	Passed       int `json:"passed"` // those that warned included
	Warned       int `json:"warned"`
	Inconclusive int `json:"inconclusive"`
	Errors       int `json:"errors"`
	Skipped      int `json:"skipped"`
}

// Problem is one problem of a scenario file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	End     int    `json:"end_column"` // after the last rune concerned
	Path    string `json:"path,omitempty"`
	Level   string `json:"level"` // error or warning
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// TrialDoc is one trial in JSON.
type TrialDoc struct {
	Scenario string       `json:"scenario"`
	File     string       `json:"file"`
	Seed     uint64       `json:"seed"`
	Outcome  string       `json:"outcome"`
	Reason   string       `json:"reason,omitempty"` // why it was skipped or could not run
	Attempts int          `json:"attempts"`
	Calls    int          `json:"calls"`
	Elapsed  Millis       `json:"elapsed_ms"`
	Rerun    string       `json:"rerun,omitempty"` // why it was run a second time
	Again    []string     `json:"again,omitempty"` // the command that runs it again, word by word
	Evidence []string     `json:"evidence,omitempty"`
	Output   string       `json:"output,omitempty"` // the last of what the client wrote
	Findings []FindingDoc `json:"findings"`
}

// FindingDoc is what one check says, in JSON.
type FindingDoc struct {
	Check    string    `json:"check"`
	Outcome  string    `json:"outcome"`
	Sentence string    `json:"sentence,omitempty"`
	Summary  string    `json:"summary,omitempty"`
	Hint     string    `json:"hint,omitempty"`
	Expect   *NoteDoc  `json:"expect,omitempty"` // the expectation's line
	Cause    *NoteDoc  `json:"cause,omitempty"`  // the line that made the server do it
	Rules    []string  `json:"rules,omitempty"`
	Why      string    `json:"why,omitempty"`
	Pattern  string    `json:"pattern,omitempty"`
	Proof    *ProofDoc `json:"proof,omitempty"`
	Others   []string  `json:"other_calls,omitempty"`
	Lateness bool      `json:"lateness,omitempty"` // the machine's own lateness alone made it inconclusive
}

// NoteDoc points at a line of the scenario.
type NoteDoc struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	End    int    `json:"end_column"`
	Text   string `json:"text,omitempty"`
}

// ProofDoc is one call, attempt by attempt.
type ProofDoc struct {
	Call    string   `json:"call"`
	Request string   `json:"request"`
	Key     string   `json:"idempotency_key,omitempty"`
	Agent   string   `json:"user_agent,omitempty"`
	Webhook bool     `json:"webhook,omitempty"` // the rows are deliveries of an event, and not attempts of a call
	Rows    []RowDoc `json:"attempts"`
}

// RowDoc is one attempt of a proof. Instants count from the call's first request byte.
type RowDoc struct {
	Seq     uint64  `json:"seq"` // of the attempt in the journal
	N       int     `json:"n"`   // of the attempt in its call
	At      Millis  `json:"at_ms"`
	Sent    Millis  `json:"sent_ms"`
	Done    Millis  `json:"done_ms"`
	Answer  string  `json:"answer"`
	Waited  *Millis `json:"waited_ms,omitempty"` // to the next attempt; none after the last
	Allowed string  `json:"allowed,omitempty"`
	Due     *Millis `json:"due_ms,omitempty"` // before it the next attempt was too early
	Good    bool    `json:"good"`
	Bad     bool    `json:"bad"`
}

// NewDocument returns the run as it stands in JSON.
func NewDocument(run *Run) *Document {
	c := Count(run.Trials)
	d := &Document{
		Type: "verdict", Format: FormatVersion, Version: run.Version, Start: run.Start, Elapsed: Millis(run.Elapsed),
		Outcome: run.Outcome.String(), Exit: run.Exit, Problem: run.Problem,
		Counts: CountsJSON{Failed: c.Failed, Passed: c.Passed, Warned: c.Warned, Inconclusive: c.Inconclusive,
			Errors: c.Errors, Skipped: c.Skipped},
		Trials: make([]TrialDoc, len(run.Trials)),
	}
	if len(run.Problems) > 0 {
		d.Problems = NewProblems(run.Problems)
	}
	for i := range run.Trials {
		d.Trials[i] = NewTrialDoc(&run.Trials[i])
	}
	return d
}

// NewProblems returns the problems of scenario files as they stand in JSON; never nil.
func NewProblems(problems scenarios.Errors) []Problem {
	docs := make([]Problem, len(problems))
	for i, p := range problems {
		docs[i] = Problem{p.File, p.Line, p.Column, p.End, p.Path, "error", p.Msg, p.Hint}
		if p.Warning {
			docs[i].Level = "warning"
		}
	}
	return docs
}

// NewTrialDoc returns the trial as it stands in JSON.
func NewTrialDoc(t *Trial) TrialDoc {
	d := TrialDoc{
		Scenario: t.Scenario, File: t.File, Seed: t.Seed, Outcome: t.Outcome.String(), Reason: t.Reason, Attempts: t.Attempts,
		Calls: t.Calls, Elapsed: Millis(t.Elapsed), Rerun: t.Rerun, Again: t.Again, Evidence: t.Evidence, Output: t.Output,
		Findings: make([]FindingDoc, len(t.Findings)),
	}
	for i := range t.Findings {
		f := &t.Findings[i]
		d.Findings[i] = FindingDoc{
			Check: f.Check, Outcome: f.Outcome.String(), Sentence: f.Sentence, Summary: f.Summary, Hint: f.Hint,
			Expect: noteDoc(&f.Expect), Cause: noteDoc(f.Cause), Rules: f.Rules, Why: f.Why, Pattern: f.Pattern,
			Proof: proofDoc(f.Proof), Others: f.Others, Lateness: f.Lateness,
		}
	}
	return d
}

func noteDoc(n *verdict.Note) *NoteDoc {
	if n == nil || n.Pos.Line == 0 {
		return nil
	}
	return &NoteDoc{n.Pos.Line, n.Pos.Column, n.Pos.End, n.Text}
}

func proofDoc(p *verdict.Proof) *ProofDoc {
	if p == nil {
		return nil
	}
	d := &ProofDoc{Call: p.Call, Request: p.Request, Key: p.Key, Agent: p.Agent, Webhook: p.Webhook, Rows: make([]RowDoc, len(p.Rows))}
	for i, r := range p.Rows {
		row := RowDoc{Seq: r.Seq, N: r.N, At: Millis(r.At), Sent: Millis(r.Sent), Done: Millis(r.Done), Answer: r.Answer,
			Allowed: r.Allowed, Good: r.Good, Bad: r.Bad}
		if r.Waited >= 0 {
			waited := Millis(r.Waited)
			row.Waited = &waited
		}
		if r.Due > 0 {
			due := Millis(r.Due)
			row.Due = &due
		}
		d.Rows[i] = row
	}
	return d
}

// JSON writes the report of a run as one indented JSON object. The error is the writer's.
func JSON(w io.Writer, run *Run) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(NewDocument(run))
}

// Line writes v as one line of JSON: an event, or the verdict at the end. The error is the writer's or the encoder's.
func Line(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
