package journal

import (
	"encoding/binary"
	"encoding/hex"
	"time"
)

// rare is an event of which a run has few beside its attempts. It says once what it consists of, and its frame, its line
// and the way back from both follow from that.
type rare interface {
	// visit shows m each part of the event, in one order, under its name in a journal's file.
	visit(m members)
	// instants are those of the event: the record ends no earlier.
	instants() []time.Duration
}

// members does one thing to each part of an event.
type members interface {
	id(key string, v *uint64)
	number(key string, v *int64)
	count(key string, v *int)
	instant(key string, v *time.Duration)
	yes(key string, v *bool)
	text(key string, v *string)
	link(key string, v *string) // a text that may hold a URL, and so a secret
	hash(key string, v *[32]byte)
	fields(key string, v *[]Field)
}

// newRare returns an empty event of a kind; nil where the kind is none of a rare event.
func newRare(k kind) rare {
	switch k {
	case kindClient:
		return new(Client)
	case kindResult:
		return new(Result)
	case kindDrop:
		return new(Drop)
	case kindEffect:
		return new(Effect)
	case kindContent:
		return new(Content)
	case kindDelivery:
		return new(DeliveryRecord)
	case kindDelivered:
		return new(DeliveryEnd)
	case kindForward:
		return new(Forward)
	case kindPort:
		return new(Port)
	}
	return nil
}

// rareTexts names the kinds of rare events in a journal's file.
var rareTexts = map[string]kind{
	"client": kindClient, "result": kindResult, "drop": kindDrop, "effect": kindEffect, "content": kindContent,
	"delivery": kindDelivery, "delivered": kindDelivered, "forward": kindForward, "port": kindPort,
}

// rareText is the name of a kind in a journal's file; "" where it is none of a rare event.
func rareText(k kind) string {
	for text, of := range rareTexts {
		if of == k {
			return text
		}
	}
	return ""
}

// rare makes the frame of a rare event.
func (e *encoder) rare(k kind, r rare) []byte {
	w := rareFrame{e: e, b: e.begin(k)}
	r.visit(&w)
	return e.finish(w.b)
}

// rareFrame writes the parts of an event into its frame.
type rareFrame struct {
	e *encoder
	b []byte
}

func (w *rareFrame) id(_ string, v *uint64)             { w.b = binary.AppendUvarint(w.b, *v) }
func (w *rareFrame) number(_ string, v *int64)          { w.b = binary.AppendVarint(w.b, *v) }
func (w *rareFrame) count(_ string, v *int)             { w.b = binary.AppendVarint(w.b, int64(*v)) }
func (w *rareFrame) instant(_ string, v *time.Duration) { w.b = binary.AppendVarint(w.b, int64(*v)) }
func (w *rareFrame) yes(_ string, v *bool)              { w.b = appendBool(w.b, *v) }
func (w *rareFrame) text(_ string, v *string)           { w.b = appendString(w.b, *v) }
func (w *rareFrame) link(_ string, v *string)           { w.b = w.e.appendURL(w.b, *v) }
func (w *rareFrame) hash(_ string, v *[32]byte)         { w.b = append(w.b, v[:]...) }

func (w *rareFrame) fields(_ string, v *[]Field) {
	w.b = binary.AppendUvarint(w.b, uint64(len(*v)))
	for _, f := range *v {
		w.b = appendString(w.b, f.Name)
		if w.e.secrets != nil && w.e.secrets.headers.match([]byte(f.Name)) {
			w.b = append(w.b, byte(hashLen))
			w.b = w.e.secrets.appendHash(w.b, []byte(f.Value))
		} else {
			w.b = w.e.appendURL(w.b, f.Value)
		}
	}
}

// decodeRare decodes the frame of a rare event; nil where it is none.
func decodeRare(k kind, payload []byte) rare {
	r := newRare(k)
	if r != nil {
		r.visit(&rarePayload{decoder{p: payload}})
	}
	return r
}

// rarePayload reads the parts of an event from its frame.
type rarePayload struct{ decoder }

func (d *rarePayload) id(_ string, v *uint64)             { *v = d.uvarint() }
func (d *rarePayload) number(_ string, v *int64)          { *v = d.varint() }
func (d *rarePayload) count(_ string, v *int)             { *v = d.decoder.int() }
func (d *rarePayload) instant(_ string, v *time.Duration) { *v = d.decoder.instant() }
func (d *rarePayload) yes(_ string, v *bool)              { *v = d.decoder.bool() }
func (d *rarePayload) text(_ string, v *string)           { *v = string(d.bytes()) }
func (d *rarePayload) link(_ string, v *string)           { *v = string(d.bytes()) }
func (d *rarePayload) hash(_ string, v *[32]byte)         { d.i += copy(v[:], d.p[d.i:]) }

func (d *rarePayload) fields(_ string, v *[]Field) {
	for n := d.uvarint(); n > 0; n-- {
		*v = append(*v, Field{Name: string(d.bytes()), Value: string(d.bytes())})
	}
}

// appendRareLine appends the line of a rare event, without its end.
func appendRareLine(b []byte, k kind, r rare) []byte {
	w := rareLine{append(append(append(b, `{"event":"`...), rareText(k)...), '"')}
	r.visit(&w)
	return w.b
}

// rareLine writes the parts of an event as members of a JSON object, those left out that are zero.
type rareLine struct{ b []byte }

func (w *rareLine) key(key string) string { return `,"` + key + `":` }

func (w *rareLine) id(key string, v *uint64)    { w.b = appendUnsigned(w.b, w.key(key), *v) }
func (w *rareLine) number(key string, v *int64) { w.b = appendNumber(w.b, w.key(key), *v) }
func (w *rareLine) count(key string, v *int)    { w.b = appendNumber(w.b, w.key(key), int64(*v)) }
func (w *rareLine) instant(key string, v *time.Duration) {
	w.b = appendNumber(w.b, w.key(key), int64(*v))
}
func (w *rareLine) yes(key string, v *bool)    { w.b = appendTrue(w.b, w.key(key)+"true", *v) }
func (w *rareLine) text(key string, v *string) { w.b = appendText(w.b, w.key(key), *v) }
func (w *rareLine) link(key string, v *string) { w.text(key, v) }

func (w *rareLine) hash(key string, v *[32]byte) {
	if *v != ([32]byte{}) {
		w.b = append(w.b, w.key(key)...)
		w.b = append(hex.AppendEncode(append(w.b, '"'), v[:]), '"')
	}
}

func (w *rareLine) fields(key string, v *[]Field) {
	if len(*v) == 0 {
		return
	}
	w.b = append(append(w.b, w.key(key)...), '[')
	for _, f := range *v {
		w.b = appendQuoted(append(w.b, '['), f.Name)
		w.b = append(appendQuoted(append(w.b, ','), f.Value), "],"...)
	}
	w.b[len(w.b)-1] = ']'
}

// readRare reads the line of a rare event.
func (f *fileReader) readRare(k kind) error {
	r := newRare(k)
	err := f.members(func(key []byte) {
		m := rareMember{f: f, key: string(key)}
		r.visit(&m)
		if !m.found {
			f.p.skip()
		}
	})
	if err != nil {
		return err
	}
	return f.addRare(r)
}

// rareMember reads one member of the line of an event into the part that it is.
type rareMember struct {
	f     *fileReader
	key   string
	found bool
}

// is reports whether the member is the part of that name, which is then to be read.
func (m *rareMember) is(key string) bool {
	if m.found || m.key != key {
		return false
	}
	m.found = true
	return true
}

func (m *rareMember) id(key string, v *uint64) {
	if m.is(key) {
		*v = m.f.p.unsigned()
	}
}

func (m *rareMember) number(key string, v *int64) {
	if m.is(key) {
		*v = m.f.p.signed()
	}
}

func (m *rareMember) count(key string, v *int) {
	if m.is(key) {
		*v = m.f.p.int()
	}
}

func (m *rareMember) instant(key string, v *time.Duration) {
	if m.is(key) {
		*v = m.f.instant()
	}
}

func (m *rareMember) yes(key string, v *bool) {
	if m.is(key) {
		*v = m.f.p.bool()
	}
}

func (m *rareMember) text(key string, v *string) {
	if m.is(key) {
		*v = string(m.f.p.str())
	}
}

func (m *rareMember) link(key string, v *string) { m.text(key, v) }

func (m *rareMember) hash(key string, v *[32]byte) {
	if m.is(key) {
		m.f.readHash(key, v)
	}
}

func (m *rareMember) fields(key string, v *[]Field) {
	if !m.is(key) {
		return
	}
	p := &m.f.p
	p.begin('[')
	for p.more(']') {
		p.begin('[')
		p.more(']')
		name := string(p.str())
		p.expect(',')
		value := string(p.str())
		p.expect(']')
		*v = append(*v, Field{name, value})
	}
}
