package report

import (
	"fmt"
	"strings"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/verdict"
)

// liveCalls bounds the calls that Live remembers; beyond it, it forgets all and begins anew.
const liveCalls = 1 << 16

// earlyTimers is how much earlier than due an attempt may come, for timers that fire early.
const earlyTimers = 25 * time.Millisecond

// Live follows a run attempt by attempt, in the order of their answers, for those who look on. It is for one goroutine.
type Live struct {
	scenario *scenarios.Scenario
	zero     time.Time // wall clock at instant 0 of the journal
	calls    map[string]*liveCall

	deliveries map[uint64]*journal.DeliveryRecord // under way
}

type liveCall struct {
	last    journal.Attempt
	entries int // attempts that the route's own answers answered
}

// NewLive follows a run of the scenario whose journal began at zero. Where only deliveries are told of it may be nil.
func NewLive(s *scenarios.Scenario, zero time.Time) *Live {
	return &Live{scenario: s, zero: zero, calls: make(map[string]*liveCall)}
}

// AttemptEvent is one attempt as --format json tells it while the run goes on, when its answer begins.
type AttemptEvent struct {
	Type     string    `json:"type"` // "attempt"
	Scenario string    `json:"scenario"`
	Seq      uint64    `json:"seq"` // of the attempt in the run
	Time     time.Time `json:"time"`
	At       Millis    `json:"at_ms"` // of its first byte, since the journal began
	Call     string    `json:"call"`
	N        int       `json:"n"` // of the attempt in its call
	Method   string    `json:"method"`
	Target   string    `json:"target"`
	Answer   string    `json:"answer"`
	Reason   string    `json:"reason"`
	Agent    string    `json:"user_agent,omitempty"`
	Waited   *Millis   `json:"waited_ms,omitempty"` // since the answer before
	Early    *Millis   `json:"early_ms,omitempty"`  // before it was due
	Late     *Millis   `json:"late_ms,omitempty"`   // after it was due, where it had to wait
	Step     int       `json:"step,omitempty"`      // of the route's answers
	Steps    int       `json:"steps,omitempty"`
}

// Event returns what there is to tell of the next attempt.
func (l *Live) Event(a *journal.Attempt) AttemptEvent {
	e := AttemptEvent{
		Type: "attempt", Scenario: l.scenario.Name, Seq: a.Seq, Time: l.zero.Add(a.First), At: Millis(a.First), Call: a.Call, N: a.N,
		Method: a.Method, Target: a.Target, Answer: Answer(a), Reason: a.Reason, Agent: agent(a),
	}
	c := l.calls[a.Call]
	if c == nil {
		if len(l.calls) >= liveCalls {
			clear(l.calls)
		}
		c = &liveCall{}
		l.calls[a.Call] = c
	} else {
		waited := Millis(a.First - c.last.Sent)
		e.Waited = &waited
		if early := Millis(c.last.Due - a.First); c.last.HasDue && time.Duration(early) > earlyTimers {
			e.Early = &early
		} else if late := -early; c.last.HasDue {
			late = max(late, 0)
			e.Late = &late
		}
	}
	if a.Entry >= 0 {
		c.entries++
	}
	e.Step, e.Steps = l.step(a, c.entries)
	c.last = *a
	c.last.Headers, c.last.Body = nil, nil
	return e
}

// step returns which of the route's answers the attempt got, times counted, and how many there are; 0 where a fault
// answered or the route is not the scenario's.
func (l *Live) step(a *journal.Attempt, entries int) (step, steps int) {
	if a.Entry < 0 {
		return 0, 0
	}
	for i := range l.scenario.Routes {
		if r := &l.scenario.Routes[i]; r.Name == a.Route {
			from, to := r.List(r.CaseOf(a.Entry))
			for j := from; j < to; j++ {
				steps += max(r.Answers[j].Times, 1)
			}
			return min(entries, steps), steps
		}
	}
	return 0, 0
}

// Line returns an event as one line for people:
//
//	12:04:12.024  #2 GET /hello  503 RA=1s   waited 1.004s ok   step 2/3
func (s Style) Line(e *AttemptEvent) string {
	line := fmt.Sprintf("%s  #%d %s  %s ", e.Time.Format("15:04:05.000"), e.Seq, s.clip(s.text(e.Method+" "+e.Target), 40),
		pad(s.clip(s.text(e.Answer), 24), 10))
	switch {
	case e.Early != nil:
		line += " " + s.paint(alarm, fmt.Sprintf("waited %s early by %s", seconds(time.Duration(*e.Waited)), seconds(time.Duration(*e.Early))))
	case e.Late != nil:
		line += fmt.Sprintf(" waited %s %s", seconds(time.Duration(*e.Waited)), s.paint(green, "ok"))
	case e.Waited != nil:
		line += " waited " + seconds(time.Duration(*e.Waited))
	case e.Agent != "":
		line += " " + s.clip(s.text(e.Agent), 30)
	}
	line += "   "
	if e.N == 1 {
		line += s.text(e.Scenario) + " "
	}
	if e.Steps > 0 {
		line += fmt.Sprintf("step %d/%d", e.Step, e.Steps)
	} else {
		line += s.text(e.Reason)
	}
	return strings.TrimRight(line, " ")
}

// Answer says in short what an attempt got: "503 RA=1s", "rst before-headers".
func Answer(a *journal.Attempt) string {
	text := a.Wire
	if a.Status != 0 {
		text = fmt.Sprint(a.Status)
		if a.Wire != "" {
			text += ", " + a.Wire
		}
	}
	if text == "" {
		text = "nothing"
	}
	if _, value, found := strings.Cut(a.RetryAfter, ":"); found {
		text += " RA=" + pauseOf(a, strings.TrimSpace(value))
	}
	return text
}

// pauseOf writes the pause that an answer asked for; as it was written where that is no time.
func pauseOf(a *journal.Attempt, value string) string {
	if !a.HasDue {
		return value
	}
	return tickLabel((a.Due - a.Sent).Round(10 * time.Millisecond))
}

// agent returns the first word of an attempt's User-Agent.
func agent(a *journal.Attempt) string {
	for _, f := range a.Headers {
		if strings.EqualFold(f.Name, "User-Agent") {
			name, _, _ := strings.Cut(f.Value, " ")
			return name
		}
	}
	return ""
}

// StartEvent is the first line of --format json.
type StartEvent struct {
	Type      string   `json:"type"` // "start"
	Format    int      `json:"format"`
	Version   string   `json:"version"`
	Scenarios []string `json:"scenarios"` // names, in the order of the command line
	Client    []string `json:"client"`    // command and arguments
}

// TrialEvent is the line of --format json that tells of a trial once it is judged.
type TrialEvent struct {
	Type string `json:"type"` // "trial"
	TrialDoc
}

// ServeEvent is the first line of serve --format json.
type ServeEvent struct {
	Type    string `json:"type"` // "serve"
	Format  int    `json:"format"`
	Version string `json:"version"`
	URL     string `json:"url"` // base URL of the chaos server's first host
	// Hosts are all hosts, where the scenario names them.
	Hosts []ServedHost `json:"hosts,omitempty"`
	// CA is the file with the certificate that clients have to trust; "" without TLS.
	CA       string `json:"ca,omitempty"`
	Scenario string `json:"scenario"`
	File     string `json:"file"`
	Seed     uint64 `json:"seed"`
}

// ServedHost is where a host of the scenario is.
type ServedHost struct {
	Name string `json:"name"`
	URL  string `json:"url"` // base URL
}

// VerdictLine returns a verdict as one line: "verdict: PASS  attempts = 3 · honours_retry_after: 2 of 2".
func (s Style) VerdictLine(v *verdict.Verdict) string {
	_, word, colour := signs(v.Outcome)
	var parts []string
	for i := range v.Findings {
		f := &v.Findings[i]
		switch {
		case v.Outcome == verdict.Fail && f.Outcome == verdict.Fail:
			parts = append(parts, strings.TrimSuffix(f.Sentence, "."))
		case v.Outcome != verdict.Fail && f.Outcome == verdict.Pass && f.Summary != "":
			parts = append(parts, f.Summary)
		}
	}
	return "verdict: " + s.paint(colour, word) + "  " + s.text(strings.Join(parts, " · "))
}
