package scenarios

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	wireDos = []string{WireRST: "rst", WireFIN: "fin", WireStall: "stall", WireDrip: "drip", WireGarbage: "garbage", WireRefuse: "refuse"}
	wireAts = []string{AtAccept: "accept", AtTLS: "tls", AtRequestBody: "request-body", AtBeforeHeaders: "before-headers", AtHeaders: "headers",
		AtBody: "body", AtEnd: "end", AtIdle: "idle"}

	// wirePoints says at which points each wire fault can strike.
	wirePoints = map[WireDo][]WireAt{
		WireRST:     {AtAccept, AtTLS, AtRequestBody, AtBeforeHeaders, AtHeaders, AtBody, AtEnd, AtIdle},
		WireFIN:     {AtAccept, AtTLS, AtRequestBody, AtBeforeHeaders, AtHeaders, AtBody, AtEnd, AtIdle},
		WireStall:   {AtAccept, AtTLS, AtRequestBody, AtBeforeHeaders, AtHeaders, AtBody},
		WireDrip:    {AtRequestBody, AtHeaders, AtBody},
		WireGarbage: {AtBeforeHeaders, AtBody, AtIdle},
		WireRefuse:  {AtAccept},
	}
)

// String returns the wire fault's name in scenario files.
func (d WireDo) String() string { return named(wireDos, int(d)) }

// String returns the point's name in scenario files.
func (a WireAt) String() string { return named(wireAts, int(a)) }

// String returns the wire fault in words, such as "rst before-headers" or "fin body after 512B".
func (w *WireFault) String() string {
	s := w.Do.String() + " " + w.At.String()
	if w.After.Set {
		s += " after " + showExtent(w.After)
	}
	if w.Rate > 0 {
		s += " at " + showByteRate(w.Rate)
	}
	return s
}

func named(names []string, i int) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return "unknown(" + number(float64(i)) + ")"
}

// wireWord reads a word of t, whose numbers begin at 1, into v.
func wireWord[V ~uint8](l *loader, n *yaml.Node, t Type, v *V) {
	s, ok := l.scalar(n, t)
	if !ok {
		return
	}
	for i, w := range t.Words {
		if s == w {
			*v = V(i + 1)
			return
		}
	}
	if near := Suggest(s, t.Words); near != "" {
		l.fail(n, quote(s)+" is no "+t.Name, "did you mean "+quote(near)+"? (one of "+join(t.Words)+")")
		return
	}
	l.fail(n, quote(s)+" is no "+t.Name, "one of "+join(t.Words))
}

// wireRow is the row of a key that says something of the answer's wire fault. Its field is found by at, where it is
// one of its own; a short name has none.
func wireRow(k Key, read func(*loader, *yaml.Node, *WireFault), write func(*printer, *WireFault) (tree, bool), at func(*WireFault) []any) *row[*Answer] {
	k.In = []Place{InAnswer, InFault}
	return &row[*Answer]{
		Key: k,
		read: func(l *loader, e entry, a *Answer) {
			if a.Wire == nil {
				a.Wire = &WireFault{}
			}
			e.path = l.where()
			if k.Fault {
				a.Wire.Pos = l.span(e)
				l.spots[a.Wire] = e
			}
			for _, field := range at(a.Wire) {
				l.spots[field] = e
			}
			read(l, e.value, a.Wire)
		},
		write: func(p *printer, a *Answer) (tree, bool) {
			if a.Wire == nil {
				return tree{}, false
			}
			return write(p, a.Wire)
		},
	}
}

var (
	effect = Type{Name: "wire fault", Words: wireDos[WireRST:]}
	point  = Type{Name: "point of the exchange", Words: wireAts[AtAccept:]}
)

func readPoint(l *loader, n *yaml.Node, w *WireFault) { wireWord(l, n, point, &w.At) }

// shortWire are the short names of the wire faults that are built, one of which stands in an answer.
var shortWire = []string{"reset", "close", "truncate", "stall", "drip", "garbage", "refuse", "do"}

// otherShort are those that a name cannot stand beside.
func otherShort(name string) []string {
	return slices.DeleteFunc(slices.Clone(shortWire), func(s string) bool { return s == name })
}

// short is the row of a short name, which says both what the wire fault does and where, beside no other.
func short(k Key, do WireDo, read func(*loader, *yaml.Node, *WireFault), write func(*printer, *WireFault) (tree, bool)) *row[*Answer] {
	k.Fault, k.Without = true, otherShort(k.Name)
	set := func(l *loader, n *yaml.Node, w *WireFault) {
		w.Do = do
		read(l, n, w)
	}
	return wireRow(k, set, write, func(w *WireFault) []any { return []any{&w.Do, &w.At} })
}

// shortAt is the row of a short name whose value is the point.
func shortAt(name, doc string, do WireDo) *row[*Answer] {
	return short(Key{Name: name, Type: point, Doc: doc}, do, readPoint,
		func(_ *printer, w *WireFault) (tree, bool) { return leaf(w.At.String()), w.Do == do })
}

// inFull reports whether a wire fault has no short name.
func inFull(w *WireFault) bool { return w.Do == WireDrip && w.At != AtBody }

var wireRows = []*row[*Answer]{
	shortAt("reset", "Sends RST (linger 0) at that point.", WireRST),
	shortAt("close", "Sends FIN at that point.", WireFIN),
	short(Key{Name: "truncate", Type: extent.kind, Doc: "Sends FIN after so much of the body."}, WireFIN,
		func(l *loader, n *yaml.Node, w *WireFault) {
			w.At = AtBody
			l.spots[&w.After] = l.spots[w]
			extent.read(l, n, &w.After)
		}, func(*printer, *WireFault) (tree, bool) { return tree{}, false }), // it is printed as close and after
	shortAt("stall", "Sends no further byte from that point on, until the client or the run ends the connection.", WireStall),
	short(Key{Name: "drip", Type: byteRate.kind, Doc: "Sends the body at so many bytes a second."}, WireDrip,
		func(l *loader, n *yaml.Node, w *WireFault) {
			w.At = AtBody
			l.spots[&w.Rate] = l.spots[w]
			byteRate.read(l, n, &w.Rate)
		}, func(_ *printer, w *WireFault) (tree, bool) {
			return leaf(showByteRate(w.Rate)), w.Do == WireDrip && !inFull(w)
		}),
	shortAt("garbage", "Sends bytes that are no answer at that point, then FIN.", WireGarbage),
	wireRow(Key{Name: "do", Type: effect, Fault: true, Doc: "A wire fault in full: what it does, with at.", Without: otherShort("do")},
		func(l *loader, n *yaml.Node, w *WireFault) { wireWord(l, n, effect, &w.Do) },
		func(_ *printer, w *WireFault) (tree, bool) { return leaf(w.Do.String()), inFull(w) },
		func(w *WireFault) []any { return []any{&w.Do} }),
	wireRow(Key{Name: "at", Type: point, Fault: true, Doc: "A wire fault in full: the point of the exchange, with do.",
		Without: []string{"reset", "close", "truncate", "stall", "drip", "garbage", "refuse"}},
		readPoint, func(_ *printer, w *WireFault) (tree, bool) { return leaf(w.At.String()), inFull(w) },
		func(w *WireFault) []any { return []any{&w.At} }),
	wireRow(Key{Name: "after", Type: extent.kind, Default: "0B; in headers half", Without: []string{"truncate"},
		Doc: "How much of the part goes first: a size, or a share of it. 100% of a chunked body lacks the last chunk."},
		func(l *loader, n *yaml.Node, w *WireFault) { extent.read(l, n, &w.After) },
		func(p *printer, w *WireFault) (tree, bool) {
			return extent.write(p, w.After), w.After.Set && (w.At != AtHeaders || w.After != halfHeaders)
		},
		func(w *WireFault) []any { return []any{&w.After} }),
	wireRow(Key{Name: "rate", Type: byteRate.kind, Without: []string{"drip"}, Doc: "How fast drip is, where it is written in full."},
		func(l *loader, n *yaml.Node, w *WireFault) { byteRate.read(l, n, &w.Rate) },
		func(_ *printer, w *WireFault) (tree, bool) {
			return leaf(showByteRate(w.Rate)), w.Rate > 0 && inFull(w)
		},
		func(w *WireFault) []any { return []any{&w.Rate} }),
	wireRow(Key{Name: "bytes", Type: garbageBytes.kind, Default: "64B", Doc: "What garbage sends: a text as it stands, or so many seeded bytes."},
		func(l *loader, n *yaml.Node, w *WireFault) { garbageBytes.read(l, n, &w.Bytes) },
		func(p *printer, w *WireFault) (tree, bool) {
			return garbageBytes.write(p, w.Bytes), w.Bytes != Garbage{}
		},
		func(w *WireFault) []any { return []any{&w.Bytes} }),
	wireRow(Key{Name: "wait", Type: duration.kind, Default: "50ms", Doc: "How long a connection has been idle when a wire fault at idle strikes."},
		func(l *loader, n *yaml.Node, w *WireFault) { duration.read(l, n, &w.Wait) },
		func(p *printer, w *WireFault) (tree, bool) {
			return duration.write(p, w.Wait), w.At == AtIdle && w.Wait != DefaultIdleWait
		},
		func(w *WireFault) []any { return []any{&w.Wait} }),
}

// refuseRow is the row of the wire fault that only a fault can have, since no answer is given where the port is closed.
var refuseRow = func() *row[*Answer] {
	r := short(Key{Name: "refuse", Type: Type{Name: "point of the exchange", Words: []string{"accept"}},
		Doc: "Closes the port while when holds; connections that are open at its start are reset."}, WireRefuse,
		readPoint, func(_ *printer, w *WireFault) (tree, bool) { return leaf(w.At.String()), w.Do == WireRefuse })
	r.In = []Place{InFault}
	return r
}()

// halfHeaders is how much of the header block goes first where the file says nothing.
var halfHeaders = Extent{Set: true, IsShare: true, Share: 0.5}

// extent is the codec of a size, or of a share of a part.
var extent = scalars(Type{Name: "size or share", Example: "512B"}, parseExtent, showExtent)

func parseExtent(s string) (Extent, *flaw) {
	if strings.HasSuffix(s, "%") {
		part, f := parseShare(s)
		return Extent{Set: true, IsShare: true, Share: part}, f
	}
	n, f := parseSize(s)
	if f != nil && !strings.Contains(f.hint, "%") {
		f = &flaw{f.msg, f.hint + "; or a share such as 50%"}
	}
	return Extent{Set: true, Size: n}, f
}

func showExtent(e Extent) string {
	if e.IsShare {
		return showShare(e.Share)
	}
	return showSize(e.Size)
}

// byteRate is the codec of so many bytes a second: 1KiB/s.
var byteRate = scalars(Type{Name: "byte rate", Example: "1KiB/s"}, parseByteRate, showByteRate)

func parseByteRate(s string) (int64, *flaw) {
	amount, per, ok := strings.Cut(s, "/")
	n, f := parseSize(strings.TrimSpace(amount))
	switch {
	case f != nil:
		return 0, &flaw{"expected a byte rate, got " + quote(s), "write bytes a second, such as 1KiB/s"}
	case !ok || strings.TrimSpace(per) != "s":
		return 0, &flaw{"expected a byte rate, got " + quote(s), "write " + showSize(n) + "/s"}
	case n == 0:
		return 0, &flaw{quote(s) + " is no rate above 0", "a connection without a further byte is stall"}
	}
	return n, nil
}

func showByteRate(n int64) string { return showSize(n) + "/s" }

// garbageBytes is the codec of the bytes of garbage: a size of seeded ones, or else a text.
var garbageBytes = scalars(Type{Name: "text, or a size", Example: "64B"}, func(s string) (Garbage, *flaw) {
	if s == "" {
		return Garbage{}, &flaw{"garbage is not empty", `write a size such as 64B, or a text such as "\r\n\r\n"`}
	}
	if n, f := parseSize(s); f == nil {
		if n == 0 {
			return Garbage{}, &flaw{"garbage is not empty", "write a size such as 64B"}
		}
		return Garbage{Size: n}, nil
	}
	return Garbage{Text: s}, nil
}, func(g Garbage) string {
	if g.Text == "" {
		return showSize(g.Size)
	}
	return textLeaf(g.Text).text
})

// finishAnswer gives an answer its positions, and checks what its keys are together.
func (l *loader) finishAnswer(n *yaml.Node, a *Answer) {
	a.Pos = l.pos(n)
	a.StatusPos = l.spot(&a.Status)
	if a.RetryAfter != nil {
		a.RetryAfter.Pos = l.spot(&a.RetryAfter)
	}
	for _, d := range []**Delay{&a.Delay, &a.BodyDelay} {
		if *d != nil {
			(*d).Pos = l.spot(d)
		}
	}
	l.checkForm(a)
	if a.Wire != nil && l.checkWire(n, a.Wire) {
		l.checkStrike(a)
	}
}

// checkForm checks how an answer goes over the wire.
func (l *loader) checkForm(a *Answer) {
	if e, ok := l.spots[&a.Redirect]; ok && a.Status/100 != 3 {
		l.failKey(e, "redirect needs a status of 3xx", "add status: 302")
	}
	if e, ok := l.spots[&a.Linger]; ok && a.Connection == "" && l.spots[&a.Connection].key == nil {
		l.failKey(e, "linger needs connection: close", "add connection: close")
	}
	for i, own := range []struct {
		field any
		names []string
		key   string
	}{
		{&a.Framing, []string{"Content-Length", "Transfer-Encoding"}, "framing"}, {&a.Encoding, []string{"Content-Encoding"}, "encoding"},
		{&a.Redirect, []string{"Location"}, "redirect"}, {&a.Connection, []string{"Connection"}, "connection"},
	} {
		e, ok := l.spots[own.field]
		for _, name := range own.names {
			if ok && hasHeader(a.Headers, name) && (i != 0 || a.Framing != FramingLength) {
				l.failKey(e, quote(own.key)+" cannot stand beside a header "+name, "keep one")
			}
		}
	}
	if bodiless(a.Status) {
		for _, at := range []any{&a.Framing, &a.Encoding, &a.BodyDelay} {
			if e, ok := l.spots[at]; ok {
				l.failKey(e, "an answer of "+number(float64(a.Status))+" has no body", "take "+follow(e.key).Value+" out, or write another status")
			}
		}
	}
}

// bodiless reports whether an answer of a status has no body (RFC 9110, section 6.4.1).
func bodiless(status int) bool {
	return status/100 == 1 || status == 204 || status == 304
}

// checkWire checks what a wire fault's own keys are together, and reports whether it is whole.
func (l *loader) checkWire(n *yaml.Node, w *WireFault) bool {
	do, at := l.spots[&w.Do], l.spots[&w.At]
	if do.key == nil && at.key == nil {
		for _, part := range []any{&w.After, &w.Rate, &w.Bytes, &w.Wait} {
			if e, ok := l.spots[part]; ok {
				l.failKey(e, quote(follow(e.key).Value)+" needs a wire fault", "add one, such as reset: body")
				return false
			}
		}
	}
	switch {
	case at.key == nil:
		l.fail(do.key, "do needs at", "write do: "+follow(do.value).Value+", at: before-headers")
		return false
	case do.key == nil:
		l.fail(at.key, "at needs do", "write do: rst, at: "+follow(at.value).Value)
		return false
	case w.Do == 0 || w.At == 0: // what is wrong with them was said
		return false
	case !slices.Contains(wirePoints[w.Do], w.At):
		var can []string
		for _, p := range wirePoints[w.Do] {
			can = append(can, p.String())
		}
		l.failValue(at, w.Do.String()+" cannot strike at "+w.At.String(), "one of "+join(can))
		return false
	}
	return l.checkParts(do, w)
}

// checkParts checks the keys of a wire fault that only some have.
func (l *loader) checkParts(do entry, w *WireFault) bool {
	before := len(l.errs)
	for _, part := range []struct {
		field any
		has   bool
		hint  string
	}{
		{&w.After, slices.Contains([]WireAt{AtRequestBody, AtHeaders, AtBody}, w.At), "it stands with a wire fault at request-body, headers or body"},
		{&w.Rate, w.Do == WireDrip, "it stands with do: drip"},
		{&w.Bytes, w.Do == WireGarbage, "it stands with garbage"},
		{&w.Wait, w.At == AtIdle, "it stands with a wire fault at idle"},
	} {
		if e, ok := l.spots[part.field]; ok && !part.has {
			l.failKey(e, quote(follow(e.key).Value)+" says nothing of "+w.Do.String()+" at "+w.At.String(), part.hint)
		}
	}
	if w.Do == WireDrip && l.spots[&w.Rate].key == nil {
		l.failKey(do, "drip needs a rate", "add rate: 1KiB/s")
	}
	if w.At == AtIdle && l.spots[&w.Wait].key == nil {
		w.Wait = DefaultIdleWait
	}
	if w.At == AtHeaders && w.Do != WireDrip && !w.After.Set {
		w.After = halfHeaders
	}
	return len(l.errs) == before
}

// checkStrike checks that a wire fault can strike the answer that it stands in.
func (l *loader) checkStrike(a *Answer) {
	w := a.Wire
	e := l.spots[w]
	if len(a.Interim) > 0 && w.At == AtBeforeHeaders {
		l.failKey(l.spots[&a.Interim], "interim cannot stand beside a wire fault before-headers, where nothing is sent", "write the wire fault at headers")
	}
	if w.At == AtIdle && (a.Connection != "" || a.Framing == FramingClose) {
		l.failKey(e, "the connection ends with the answer, so that it is never idle", "take connection: close or framing: close out")
	}
	if a.Early != nil && w.At == AtRequestBody {
		l.failKey(l.spots[&a.Early], "early cannot stand beside a wire fault at request-body", "keep one")
	}
	if w.At != AtBody || a.Status == 0 {
		return
	}
	length, known := a.bodyLen()
	switch {
	case bodiless(a.Status):
		l.failKey(e, "an answer of "+number(float64(a.Status))+" has no body", "write the wire fault at headers or end")
	case w.Do == WireDrip:
	case known && length == 0:
		l.failKey(e, "the body is empty", "write the wire fault at headers or end")
	case a.Framing != FramingChunked && w.After.IsShare && w.After.Share == 1:
		l.failKey(l.spots[&w.After], "after 100% of it the body is whole", "write the wire fault at end, or framing: chunked")
	case known && a.Framing != FramingChunked && w.After.Of(length) >= length, known && w.After.Of(length) > length:
		l.failKey(l.spots[&w.After], "the body has only "+showSize(length), "write a smaller part of it, a larger body such as size: 64KiB, or the wire fault at end")
	}
}

// bodyLen returns the length of an answer's content, where it is the same for every attempt and not encoded.
func (a *Answer) bodyLen() (int64, bool) {
	if a.Encoding != EncodingNone {
		return 0, false
	}
	switch a.Body.Kind {
	case BodyDefault:
		return int64(len(DefaultBody(a.Status))), true
	case BodySize:
		return a.Body.Size, true
	case BodyFile:
		return int64(len(a.Body.Data)), true
	}
	text, constant := a.Body.Text.Constant()
	return int64(len(text)), constant
}

// ahead checks that nothing looks into a request's body where an attempt is decided about before that is read.
func (l *loader) ahead(s *Scenario) {
	if !s.Ahead() {
		return
	}
	const msg = "the body cannot be looked into, for a wire fault at request-body, or early, is decided about before it is read"
	for i := range s.Routes {
		for j := range s.Routes[i].Match {
			if m := &s.Routes[i].Match[j]; m.Body != nil {
				l.at("", m.Body.Pos, msg, "match by method, path or header", false)
			}
		}
	}
	for _, w := range s.whens() {
		if w.Body != nil {
			l.failKey(l.spots[&w.Body], msg, "match by method, path or header")
		}
	}
}
