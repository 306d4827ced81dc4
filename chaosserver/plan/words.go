package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"brownout/scenarios"
)

// noteFault puts a fault into words.
func noteFault(f *scenarios.Fault) FaultNote {
	n := FaultNote{Index: f.Index, Name: f.Name, Does: doesWords(f), When: whenWords(f)}
	switch c := &f.Chance; {
	case c.Ramp:
		n.Chance = percent(c.From) + " -> " + percent(c.To)
	case c.Set:
		n.Chance = percent(c.From)
	}
	return n
}

// doesWords says what a fault does.
func doesWords(f *scenarios.Fault) string {
	a := &f.Answer
	var all []string
	if c := f.Duplicate; c != nil {
		words := fmt.Sprintf("sends %d copies to the upstream", c.Copies)
		if c.After > 0 {
			words += ", one every " + span(c.After)
		}
		all = append(all, words)
	}
	if a.Status != 0 {
		all = append(all, "answers "+strconv.Itoa(a.Status))
	}
	if ra := retryAfterWords(a); ra != "" {
		all = append(all, "asks for a pause of "+ra)
	}
	if a.Quota != nil {
		all = append(all, quotaWords(a.Quota))
	}
	if a.Delay != nil {
		all = append(all, "delays by "+delayWords(a.Delay))
	}
	if a.Hold != nil {
		all = append(all, "holds back until "+holdWords(a.Hold))
	}
	if a.BodyDelay != nil {
		all = append(all, "delays the body by "+delayWords(a.BodyDelay))
	}
	if a.Commit != nil {
		all = append(all, map[bool]string{true: "commits the effect", false: "keeps the effect back"}[*a.Commit])
	}
	if a.Wire != nil {
		all = append(all, wireDoes[a.Wire.Do]+": "+wireWords(a.Wire))
	}
	return strings.Join(all, ", ")
}

// holdWords says when a gate opens.
func holdWords(h *scenarios.Hold) string {
	if h.Attempts > 0 {
		return fmt.Sprintf("%d attempts wait, at most %s", h.Attempts, span(h.AtMost))
	}
	return span(h.For) + " after the first"
}

// wireDoes says what a wire fault does to the connection.
var wireDoes = map[scenarios.WireDo]string{
	scenarios.WireRST: "cuts the connection", scenarios.WireFIN: "cuts the connection", scenarios.WireStall: "falls silent",
	scenarios.WireDrip: "goes slowly", scenarios.WireGarbage: "sends garbage", scenarios.WireRefuse: "closes the port",
}

// whenWords says when a fault's triggers hold.
func whenWords(f *scenarios.Fault) string {
	w := &f.When
	thing := "attempt"
	if f.OnConnection() {
		thing = "connection"
	}
	var all []string
	add := func(set bool, format string, args ...any) {
		if set {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(len(w.Phase) > 0, "in phase %s", strings.Join(w.Phase, " or "))
	add(len(w.Case) > 0, "in case %s", strings.Join(w.Case, " or "))
	if w.Elapsed != nil {
		all = append(all, windowWords(w.Elapsed))
	}
	if w.Attempt != nil {
		all = append(all, "on attempt "+rangeWords(w.Attempt))
	}
	if w.Call != nil {
		all = append(all, "of call "+rangeWords(w.Call))
	}
	if w.Nth != nil {
		all = append(all, "on "+thing+" "+rangeWords(w.Nth)+onRouteWords(f))
	}
	add(w.Every > 0, "on every %s %s%s", ordinal(w.Every), thing, onRouteWords(f))
	if w.ConnRequest != nil {
		all = append(all, "on request "+rangeWords(w.ConnRequest)+" of its connection")
	}
	if w.Burst != nil {
		all = append(all, burstWords(w.Burst, thing))
	}
	add(len(w.Method) > 0, "where the method is %s", strings.Join(w.Method, " or "))
	if w.Path != nil {
		all = append(all, "where the path is "+w.Path.Text)
	}
	for i := range w.Header {
		all = append(all, "where "+w.Header[i].Name+" "+textWords(&w.Header[i].TextMatch))
	}
	if w.Body != nil {
		all = append(all, "where the body "+textWords(w.Body))
	}
	if w.Client != nil {
		all = append(all, "where the client "+textWords(w.Client))
	}
	add(len(w.Host) > 0, "at host %s", strings.Join(w.Host, " or "))
	if len(all) == 0 {
		return "always"
	}
	return strings.Join(all, ", ")
}

func onRouteWords(f *scenarios.Fault) string {
	if f.OnConnection() {
		return ""
	}
	return " of the route"
}

func windowWords(w *scenarios.Window) string {
	switch {
	case w.Every > 0 && w.From > 0:
		return fmt.Sprintf("for %s every %s from %s on", span(w.For), span(w.Every), span(w.From))
	case w.Every > 0:
		return fmt.Sprintf("for %s every %s", span(w.For), span(w.Every))
	case w.To == 0:
		return fmt.Sprintf("from %s on", span(w.From))
	}
	return fmt.Sprintf("from %s to %s", span(w.From), span(w.To))
}

func rangeWords(r *scenarios.Range) string {
	switch {
	case r.To == r.From:
		return strconv.Itoa(r.From)
	case r.To == 0:
		return strconv.Itoa(r.From) + ".."
	case r.From <= 1:
		return "1.." + strconv.Itoa(r.To)
	}
	return strconv.Itoa(r.From) + ".." + strconv.Itoa(r.To)
}

func burstWords(b *scenarios.Burst, thing string) string {
	if inAttempts(b) {
		return fmt.Sprintf("in bad spells of %g %ss on average, after good ones of %g", b.BadAttempts, thing, b.GoodAttempts)
	}
	return fmt.Sprintf("in bad spells of %s on average, after good ones of %s", span(b.Bad), span(b.Good))
}

func textWords(m *scenarios.TextMatch) string {
	if m.Regexp.IsSet() {
		return "matches " + m.Text
	}
	return "contains " + strconv.Quote(m.Contains)
}

func delayWords(d *scenarios.Delay) string {
	var s string
	switch d.Kind {
	case scenarios.DelayFixed:
		s = span(d.Fixed)
	case scenarios.DelayUniform:
		s = span(d.Fixed) + ".." + span(d.To)
	case scenarios.DelayNormal:
		s = fmt.Sprintf("%s ± %s", span(d.Mean), span(d.SD))
	default:
		var points []string
		for _, q := range d.Table {
			points = append(points, "p"+strconv.FormatFloat(q.P*100, 'g', 6, 64)+" "+span(q.Value))
		}
		s = strings.Join(points, ", ")
	}
	if d.Min != nil {
		s += ", at least " + span(*d.Min)
	}
	if d.Max != nil {
		s += ", at most " + span(*d.Max)
	}
	return s
}

// wireWords names a wire fault as its keys do: "rst before-headers".
func wireWords(w *scenarios.WireFault) string {
	if w == nil {
		return ""
	}
	return w.String()
}

// retryAfterWords says what pause an answer asks for, and in which form; a field written by hand is quoted.
func retryAfterWords(a *scenarios.Answer) string {
	if a.RetryAfter == nil {
		for i := range a.Headers {
			if strings.EqualFold(a.Headers[i].Name, "Retry-After") {
				return strconv.Quote(a.Headers[i].Value.Text)
			}
		}
		return ""
	}
	return span(a.RetryAfter.In) + map[scenarios.RetryAfterForm]string{
		scenarios.FormFloat:   " as a decimal",
		scenarios.FormMillis:  " in retry-after-ms",
		scenarios.FormDate:    " as a date",
		scenarios.FormRFC850:  " as an rfc850 date",
		scenarios.FormASCTime: " as an asctime date",
	}[a.RetryAfter.As]
}

func matchWords(m *scenarios.Match) string {
	s := strings.TrimPrefix(m.Method+" "+m.Path.Text, " ")
	for i := range m.Header {
		s += " where " + m.Header[i].Name + " " + textWords(&m.Header[i].TextMatch)
	}
	if m.Body != nil {
		s += " where the body " + textWords(m.Body)
	}
	if m.Host != "" {
		s += " at host " + m.Host
	}
	return s
}

// commitWords says what a route commits, and what its ledger does with keys.
func commitWords(c *scenarios.Commit, p *scenarios.Profile) []string {
	all := []string{"each attempt that is read whole and whose entry is a 2xx: an effect"}
	if !c.Keyed() {
		return append(all, "no key is looked at: two attempts are two effects")
	}
	replay, work, meanwhile, missing := "", "", "waits for the stored answer", "an effect each time"
	if c.ReplayHeader != "" {
		replay = ", with " + c.ReplayHeader + ": true"
	}
	if c.Work != nil {
		work = ", which takes its work " + delayWords(c.Work)
	}
	if c.InFlight != 0 {
		meanwhile = strconv.Itoa(c.InFlight)
	}
	if c.Missing != 0 {
		missing = strconv.Itoa(c.Missing)
	}
	all = append(all,
		"the same "+c.KeyHeader(p)+" and request again: the stored answer, without its delay and wire fault"+replay,
		"the same key while the first is under way"+work+": "+meanwhile,
		"the same key with another method, target or body: "+strconv.Itoa(c.Mismatch),
		"no key: "+missing)
	if c.Keep > 0 {
		all = append(all, "a key is known for "+span(c.Keep))
	}
	return all
}

// span writes a duration without the zeros that time.Duration writes: 1m, not 1m0s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// ordinal writes the n-th in digits: 1st, 2nd, 11th.
func ordinal(n int) string {
	suffix := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// percent writes a share in hundredths.
func percent(p float64) string { return strconv.FormatFloat(p*100, 'g', 6, 64) + "%" }
