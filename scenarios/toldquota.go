package scenarios

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// ToldQuota is what an answer tells of a quota, whether there is one or not.
type ToldQuota struct {
	Pos     Pos
	Dialect string // as written; see [Scenario.DialectOf]
	// Limit and Remaining are digits, perhaps behind a minus sign, of any length; "" where the answer does not tell.
	Limit, Remaining string
	Reset            *time.Duration // counted from the answer; nil where it does not tell
	Policy           string         // what the dialect calls the quota, sent as written; "" where the dialect's own word will do
}

var quotaPlace = &place[*ToldQuota]{in: InQuota, example: "{dialect: ietf, limit: 100, remaining: 0, reset: 30s}", rows: []*row[*ToldQuota]{
	key(Key{Name: "dialect", In: []Place{InQuota}, Required: true, Type: Type{Name: "word", Example: "ietf", Words: dialect.kind.Words},
		Doc: "The fields that tell it."}, dialect, "", func(q *ToldQuota) *string { return &q.Dialect }),
	key(Key{Name: "limit", In: []Place{InQuota}, Doc: "How much there is in all; any whole number."},
		longNumber, "", func(q *ToldQuota) *string { return &q.Limit }),
	key(Key{Name: "remaining", In: []Place{InQuota}, Doc: "How much is left; any whole number."},
		longNumber, "", func(q *ToldQuota) *string { return &q.Remaining }),
	key(Key{Name: "reset", In: []Place{InQuota}, Type: signedDuration.kind, Doc: "How long after the answer there is more, rounded up to what the dialect can write; it may be negative."},
		optional(signedDuration), nil, func(q *ToldQuota) **time.Duration { return &q.Reset }),
	key(Key{Name: "policy", In: []Place{InQuota}, Type: Type{Name: "text", Example: "default"}, Doc: "What the dialect calls the quota, sent as written: a policy, a bucket, a resource, a reason."},
		fieldText, "", func(q *ToldQuota) *string { return &q.Policy }),
}}

// longNumber is the codec of a whole number of any size, kept as it is written.
var longNumber = scalars(Type{Name: "whole number", Example: "50"}, func(s string) (string, *flaw) {
	if !wholeNumber.MatchString(s) {
		return "", &flaw{"expected a whole number, got " + quote(s), "write what is no number with headers"}
	}
	return s, nil
}, func(s string) string { return s })

var wholeNumber = regexp.MustCompile(`^-?[0-9]{1,100}$`)

// fieldText is the codec of a text that stands in a header field.
var fieldText = &codec[string]{
	kind: Type{Name: "text"},
	read: func(l *loader, n *yaml.Node, v *string) {
		s, ok := l.scalar(n, Type{Name: "text"})
		switch {
		case !ok:
		case strings.ContainsAny(s, "\r\n\x00"):
			l.fail(n, "a header cannot hold a line break", "")
		default:
			*v = s
		}
	},
	write: func(_ *printer, v string) tree { return textLeaf(v) },
}

// toldQuota is the codec of a quota that an answer tells.
var toldQuota = &codec[ToldQuota]{
	kind: Type{Name: "mapping", Example: quotaPlace.example, Holds: InQuota},
	read: func(l *loader, n *yaml.Node, v *ToldQuota) {
		before := len(l.errs)
		readMapping(l, n, quotaPlace, v)
		v.Pos = l.pos(n)
		if len(l.errs) == before {
			l.checkTold(n, v)
		}
	},
	write: func(p *printer, v ToldQuota) tree { return writeMapping(p, quotaPlace, &v) },
}

// checkTold reports what the dialect of a scripted quota has no field for.
func (l *loader) checkTold(n *yaml.Node, q *ToldQuota) {
	name := q.Dialect
	if name == declaredDialect {
		if name = l.profile.QuotaDialect; name == "" {
			l.needs["quota_dialect"] = true
			return
		}
	}
	d, _ := DialectNamed(name)
	if len(d.Tells) == 0 {
		l.failValue(l.spots[&q.Dialect], "answers in the dialect "+quote(name)+" tell nothing of quotas", "write the fields with headers, or retry_after")
		return
	}
	told := false
	for _, part := range []struct {
		name  string
		field any
	}{{"limit", &q.Limit}, {"remaining", &q.Remaining}, {"reset", &q.Reset}, {"policy", &q.Policy}} {
		e, ok := l.spots[part.field]
		if !ok {
			continue
		}
		told = true
		if !slices.Contains(d.Tells, part.name) {
			l.failKey(e, "the dialect "+quote(name)+" has no field for "+part.name, "it tells "+joinAnd(d.Tells))
		}
	}
	switch {
	case !told:
		l.fail(n, "the quota tells nothing", "add "+joinOr(d.Tells))
	case d.Names && q.Limit == "" && q.Remaining == "" && q.Reset == nil:
		l.fail(n, "policy names a quota, and nothing else is told of it", "add "+joinOr(slices.DeleteFunc(slices.Clone(d.Tells), func(s string) bool { return s == "policy" })))
	case name == "shopify" && (q.Limit == "" || q.Remaining == ""):
		l.fail(n, "shopify writes how much is used of how much, as in 32/40", "give both limit and remaining")
	}
}

// joinAnd lists words with commas, and "and" before the last.
func joinAnd(words []string) string {
	if len(words) < 2 {
		return join(words)
	}
	return join(words[:len(words)-1]) + " and " + words[len(words)-1]
}
