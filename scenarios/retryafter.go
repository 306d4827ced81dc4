package scenarios

import (
	"time"

	"gopkg.in/yaml.v3"
)

// retryAfterForms are the words of the forms, by form.
var retryAfterForms = []string{"seconds", "float", "ms", "date", "rfc850", "asctime"}

// String returns the form as scenario files write it.
func (f RetryAfterForm) String() string {
	return named(retryAfterForms, int(f))
}

var retryAfterType = Type{Name: "duration, or a mapping", Example: "2s", Holds: InRetryAfter}

// retryAfter is the codec of a Retry-After: 2s, or {in: 3s, as: date}.
var retryAfter = &codec[*RetryAfter]{
	kind: retryAfterType,
	read: func(l *loader, n *yaml.Node, v **RetryAfter) {
		before := len(l.errs)
		got := &RetryAfter{}
		if follow(n).Kind == yaml.MappingNode {
			readMapping(l, n, retryAfterPlace, got)
			l.shorten(got)
		} else {
			duration.read(l, n, &got.In)
		}
		if len(l.errs) > before {
			return
		}
		if unit, word := got.As.unit(); got.In%unit != 0 {
			l.fail(n, showDuration(got.In)+" is no whole number of "+word, "write {in: "+showDuration(got.In)+", as: float}")
			return
		}
		*v = got
	},
	write: func(p *printer, v *RetryAfter) tree {
		if v.As == FormSeconds && v.In >= 0 {
			return leaf(showDuration(v.In))
		}
		return writeMapping(p, retryAfterPlace, v)
	},
}

// shorten lets what was written in a unit of the profile be printed in the short form, where that says the same.
func (l *loader) shorten(r *RetryAfter) {
	long := l.where() + ".in"
	if s, ok := l.written[long]; ok && r.As == FormSeconds {
		delete(l.written, long)
		l.written[l.where()] = s
	}
}

// unit is the smallest step that a form can write, with its name.
func (f RetryAfterForm) unit() (time.Duration, string) {
	switch f {
	case FormSeconds:
		return time.Second, "seconds"
	case FormMillis:
		return time.Millisecond, "milliseconds"
	}
	return 1, ""
}

var retryAfterPlace = &place[*RetryAfter]{in: InRetryAfter, rows: []*row[*RetryAfter]{
	key(Key{Name: "in", In: []Place{InRetryAfter}, Required: true, Type: signedDuration.kind,
		Doc: "How long the client is asked to wait; it may be negative."},
		signedDuration, 0, func(r *RetryAfter) *time.Duration { return &r.In }),
	key(Key{Name: "as", In: []Place{InRetryAfter}, Default: "seconds",
		Doc: "How it is written: seconds, a decimal number, milliseconds in retry-after-ms, or a date in one of the three forms of RFC 9110."},
		enum[RetryAfterForm](retryAfterForms), FormSeconds, func(r *RetryAfter) *RetryAfterForm { return &r.As }),
}}

// enum is the codec of a number that is written as one of words, in their order.
func enum[V ~uint8](words []string) *codec[V] {
	return scalars(Type{Name: "word", Words: words}, func(s string) (V, *flaw) {
		for i, w := range words {
			if s == w {
				return V(i), nil
			}
		}
		return 0, oneOf(s, words)
	}, func(v V) string { return named(words, int(v)) })
}
