package verdict

import (
	"fmt"
	"strconv"
	"strings"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// scripted is the answer of the scenario that the attempt got, from its route's answers or from a fault; nil where
// neither gave it.
func (e *evidence) scripted(a *attempt) *scenarios.Answer {
	if a.Entry >= 0 {
		if r := e.routes[a.Route]; r != nil && a.Entry < len(r.Answers) {
			return &r.Answers[a.Entry]
		}
		return nil
	}
	if m := e.refuser(a); m != nil {
		return &m.Answer
	}
	for _, i := range a.Applied {
		if f := e.fault(i); f != nil && f.Answer.Status > 0 && f.Answer.Status == a.Status {
			return &f.Answer
		}
	}
	return nil
}

// fault is the scenario's fault of that index; nil where there is none.
func (e *evidence) fault(i int) *scenarios.Fault {
	if i < 0 || i >= len(e.scenario.Faults) {
		return nil
	}
	return &e.scenario.Faults[i]
}

// wireCause is the wire fault that struck the attempt; nil where none did. A fault's goes before the entry's own.
func (e *evidence) wireCause(a *attempt) *scenarios.WireFault {
	if a.Wire == "" {
		return nil
	}
	for _, i := range a.Applied {
		if f := e.fault(i); f != nil && f.Answer.Wire != nil {
			return f.Answer.Wire
		}
	}
	if s := e.scripted(a); s != nil {
		return s.Wire
	}
	return nil
}

// cause points at the line that made the server answer the attempt as it did; nil where no line did.
func (e *evidence) cause(a *attempt) *Note {
	if n := e.ledgerCause(a); n != nil {
		return n
	}
	if w := e.wireCause(a); w != nil {
		return &Note{Pos: w.Pos, Text: "the server " + wireVerb(a) + " here"}
	}
	if m := e.refuser(a); m != nil {
		return limitNote(m, fmt.Sprintf("the limit answered %d here", a.Status))
	}
	s := e.scripted(a)
	if s == nil || a.Status == 0 {
		return nil
	}
	pos := s.StatusPos
	if pos == (scenarios.Pos{}) {
		pos = s.Pos
	}
	return &Note{Pos: pos, Text: fmt.Sprintf("the server answered %d here", a.Status)}
}

// ledgerCause points at the line by which the ledger refused the attempt; nil where it did not.
func (e *evidence) ledgerCause(a *attempt) *Note {
	r := e.routes[a.Route]
	if r == nil || r.Commit == nil || a.Status == 0 {
		return nil
	}
	why := map[journal.Ledger]string{journal.LedgerInFlight: "the key was at work", journal.LedgerMismatch: "the key came with another request",
		journal.LedgerMissing: "the key was missing"}[a.Ledger]
	if why == "" {
		return nil
	}
	return &Note{Pos: r.Commit.Pos, Text: fmt.Sprintf("the ledger answered %d here: %s", a.Status, why)}
}

// pauseCause points at the line that made the server ask for a pause; nil where no line did.
func (e *evidence) pauseCause(a *attempt) *Note {
	if m := e.refuser(a); m != nil {
		return limitNote(m, fmt.Sprintf("the limit asked for a %s pause here", short(a.Due-a.Sent)))
	}
	s := e.scripted(a)
	if s == nil || s.RetryAfter == nil {
		return nil
	}
	return &Note{Pos: s.RetryAfter.Pos, Text: fmt.Sprintf("the server asked for a %s pause here", short(a.Due-a.Sent))}
}

// wireVerb says what the attempt's wire fault did.
func wireVerb(a *attempt) string {
	switch wireWord(a) {
	case "closed":
		return "closed the connection"
	case "stalled":
		return "fell silent"
	case "slow":
		return "answered slowly"
	case "garbage":
		return "sent garbage"
	}
	return "reset the connection"
}

// wireWord is the attempt's wire fault in one word.
func wireWord(a *attempt) string {
	do, _, _ := strings.Cut(a.Wire, " ")
	switch do {
	case "fin":
		return "closed"
	case "stall":
		return "stalled"
	case "drip":
		return "slow"
	case "garbage":
		return "garbage"
	}
	return "reset"
}

// answered is what the attempt got, in a word or two: "503", "429 RA=2s", "reset", "reset at accept", "reset at tls".
func answered(a *attempt) string {
	s := outcome(a)
	if a.Status == 0 {
		return s
	}
	status := strconv.Itoa(a.Status)
	return status + asks(a) + strings.TrimPrefix(s, status)
}

// outcome is what the attempt got, whatever pause it asked for.
func outcome(a *attempt) string {
	switch {
	case a.cut:
		_, point, _ := strings.Cut(a.Wire, " ")
		return wireWord(a) + " at " + point
	case a.Status == 0 && a.wired:
		return wireWord(a)
	case a.Status == 0 && leftByClient(a):
		return "given up"
	case a.Status == 0:
		return "no answer"
	}
	s := strconv.Itoa(a.Status)
	switch {
	case a.wired:
		s += ", " + wireWord(a)
	case !a.Ended:
		s += ", cut off"
	case leftByClient(a):
		s += ", given up"
	case !a.Whole:
		s += ", not whole"
	}
	return s
}

// asks is the pause that the answer asked for, as the client may read it, or else as it was sent; "" where there is none.
func asks(a *attempt) string {
	const most = 20 // letters of what nobody can read
	_, value, found := strings.Cut(a.RetryAfter, ":")
	value = strings.TrimSpace(value)
	switch {
	case a.HasDue:
		return " RA=" + short(a.Due-a.Sent)
	case !found:
		return ""
	case value == "":
		return ` RA=""`
	case len(value) > most:
		return " RA=" + strings.ToValidUTF8(value[:most], "") + "…"
	}
	return " RA=" + value
}
