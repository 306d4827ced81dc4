package fault

import (
	"testing"
	"time"

	"brownout/scenarios"
)

// TestRetryAfterForms: every form, written at a fixed instant. What a form cannot write exactly is rounded up, so that a
// client that honours what it reads does not come before it is due.
func TestRetryAfterForms(t *testing.T) {
	now := time.Date(2026, time.November, 8, 8, 49, 37, 250e6, time.UTC)
	for _, row := range []struct {
		as   scenarios.RetryAfterForm
		in   time.Duration
		want string
		due  time.Duration
		has  bool
	}{
		{scenarios.FormSeconds, 2 * time.Second, "Retry-After: 2", 2 * time.Second, true},
		{scenarios.FormSeconds, 1500 * time.Millisecond, "Retry-After: 2", 1500 * time.Millisecond, true},
		{scenarios.FormSeconds, 0, "Retry-After: 0", 0, true},
		{scenarios.FormSeconds, -3 * time.Second, "Retry-After: -3", 0, false},
		{scenarios.FormFloat, 2 * time.Second, "Retry-After: 2.0", 2 * time.Second, true},
		{scenarios.FormFloat, 1250 * time.Millisecond, "Retry-After: 1.25", 1250 * time.Millisecond, true},
		{scenarios.FormFloat, -time.Second, "Retry-After: -1.0", 0, false},
		{scenarios.FormMillis, 1500 * time.Millisecond, "retry-after-ms: 1500", 1500 * time.Millisecond, true},
		{scenarios.FormMillis, 1500*time.Millisecond + 1, "retry-after-ms: 1501", 1500*time.Millisecond + 1, true},
		{scenarios.FormDate, 2 * time.Second, "Retry-After: Sun, 08 Nov 2026 08:49:40 GMT", 2750 * time.Millisecond, true},
		{scenarios.FormDate, 1750 * time.Millisecond, "Retry-After: Sun, 08 Nov 2026 08:49:39 GMT", 1750 * time.Millisecond, true},
		{scenarios.FormDate, -time.Minute, "Retry-After: Sun, 08 Nov 2026 08:48:38 GMT", -59250 * time.Millisecond, true},
		{scenarios.FormRFC850, 2 * time.Second, "Retry-After: Sunday, 08-Nov-26 08:49:40 GMT", 2750 * time.Millisecond, true},
		{scenarios.FormASCTime, 2 * time.Second, "Retry-After: Sun Nov  8 08:49:40 2026", 2750 * time.Millisecond, true},
	} {
		var w Written
		Prepare(&scenarios.Answer{Status: 503, RetryAfter: &scenarios.RetryAfter{In: row.in, As: row.as}}).Write(&Attempt{Now: now}, &w)
		if w.RetryAfter != row.want || w.HasDue != row.has || row.has && w.Due != row.due {
			t.Errorf("%v in %v: %q, due %v %v; want %q, %v %v", row.as, row.in, w.RetryAfter, w.Due, w.HasDue, row.want, row.due, row.has)
		}
	}
}

// TestOwnFieldsStand: a field that the scenario gives is sent in place of the server's.
func TestOwnFieldsStand(t *testing.T) {
	now := time.Date(2026, time.November, 8, 8, 49, 37, 0, time.UTC)
	text := func(s string) scenarios.Template {
		return scenarios.Template{Text: s, Parts: []scenarios.Part{{Literal: s}}}
	}
	for _, row := range []struct {
		name, value string
		want        string
		closes      bool
	}{
		{"date", "never", "HTTP/1.1 200 OK\r\ndate: never\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n\r\n", false},
		{"Content-type", "x", "HTTP/1.1 200 OK\r\nContent-type: x\r\nContent-Length: 1\r\nDate: Sun, 08 Nov 2026 08:49:37 GMT\r\n\r\n", false},
		{"CONTENT-LENGTH", "7", "HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 7\r\nContent-Type: text/plain; charset=utf-8\r\nDate: Sun, 08 Nov 2026 08:49:37 GMT\r\n\r\n", false},
		{"Transfer-Encoding", "gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Type: text/plain; charset=utf-8\r\nDate: Sun, 08 Nov 2026 08:49:37 GMT\r\n\r\n", false},
		{"Connection", "keep-alive", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\nDate: Sun, 08 Nov 2026 08:49:37 GMT\r\n\r\n", false},
		{"Connection", "x, CLOSE", "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\nDate: Sun, 08 Nov 2026 08:49:37 GMT\r\n\r\n", true},
	} {
		var w Written
		Prepare(&scenarios.Answer{
			Headers: []scenarios.Header{{Name: row.name, Value: text(row.value)}},
			Body:    scenarios.Body{Kind: scenarios.BodyText, Text: text("x")},
		}).Write(&Attempt{Now: now, Connection: "close"}, &w)
		got := string(w.Head)
		if row.name != "Connection" {
			row.want = row.want[:len(row.want)-2] + "Connection: close\r\n\r\n"
			row.closes = true
		}
		if got != row.want || w.Closes != row.closes || string(w.Body) != "x" {
			t.Errorf("%s: %q, closes %v, %q; want %q, %v", row.name, got, w.Closes, w.Body, row.want, row.closes)
		}
	}
}

// TestWriteAllocatesNothing: a constant answer is put together without an allocation.
func TestWriteAllocatesNothing(t *testing.T) {
	a := Prepare(&scenarios.Answer{Status: 503, RetryAfter: &scenarios.RetryAfter{In: time.Second}})
	var w Written
	at := &Attempt{Now: time.Unix(1, 0)}
	if n := testing.AllocsPerRun(100, func() { a.Write(at, &w) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
