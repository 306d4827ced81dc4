package journal

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"
)

// builder joins events to the records of a Log. The methods that add an event whose record's begin is missing, or
// is there already, say so; the ring passes over that, since what rolled out is missing by design.
type builder struct {
	arena
	log      Log
	attempts ordinals
	conns    ordinals

	deliveries ordinals
}

func newBuilder(h Header, attempts int) *builder {
	b := &builder{arena: arena{bulk: true}, log: Log{Header: h}}
	if attempts > 0 {
		b.log.Attempts = make([]Attempt, 0, attempts)
	}
	return b
}

// ordinals finds records by their ordinals, which are dense for the most part.
type ordinals struct {
	base   uint64   // the first ordinal of dense
	dense  []uint32 // position + 1; 0 unknown
	sparse map[uint64]uint32
	n      int
}

// find returns the position of the record with an ordinal; -1 where there is none.
func (o *ordinals) find(ordinal uint64) int {
	if i := ordinal - o.base; ordinal >= o.base && i < uint64(len(o.dense)) && o.dense[i] != 0 {
		return int(o.dense[i]) - 1
	}
	return int(o.sparse[ordinal]) - 1
}

// put notes the position of the record with an ordinal.
func (o *ordinals) put(ordinal uint64, position int) {
	const slack = 1024 // records may come out of order
	if o.n == 0 {
		o.base = ordinal - min(ordinal, slack)
	}
	o.n++
	at := uint32(position) + 1
	i := ordinal - o.base
	if ordinal < o.base || i > uint64(2*o.n+8*slack) {
		if o.sparse == nil {
			o.sparse = map[uint64]uint32{}
		}
		o.sparse[ordinal] = at
		return
	}
	if i >= uint64(len(o.dense)) {
		o.dense = slices.Grow(o.dense, int(i)+1-len(o.dense))[:i+1]
	}
	o.dense[i] = at
}

// until moves the end of the record to an instant, if that is later.
func (b *builder) until(t time.Duration) {
	b.log.End = max(b.log.End, t)
}

// addAttempt notes that the last of log.Attempts, just filled, is whole.
func (b *builder) addAttempt() error {
	a := &b.log.Attempts[len(b.log.Attempts)-1]
	if b.attempts.find(a.Seq) >= 0 {
		return fmt.Errorf("attempt %d is there already", a.Seq)
	}
	b.attempts.put(a.Seq, len(b.log.Attempts)-1)
	b.until(max(a.First, a.Read, a.Sent))
	return nil
}

func (b *builder) addEnd(r *EndRecord) error {
	i := b.attempts.find(r.Seq)
	if i < 0 {
		return fmt.Errorf("an end without its attempt %d", r.Seq)
	}
	a := &b.log.Attempts[i]
	if a.Ended {
		return fmt.Errorf("attempt %d has ended already", r.Seq)
	}
	a.Ended, a.Done, a.BytesSent, a.Whole, a.Closed, a.Failure = true, r.Done, r.BytesSent, r.Whole, r.Closed, r.Failure
	b.until(r.Done)
	return nil
}

func (b *builder) addOpen(c Conn) error {
	if b.conns.find(c.ID) >= 0 {
		return fmt.Errorf("connection %d is there already", c.ID)
	}
	b.conns.put(c.ID, len(b.log.Conns))
	b.log.Conns = append(b.log.Conns, c)
	b.until(c.Accept)
	return nil
}

func (b *builder) addClose(r CloseRecord) error {
	i := b.conns.find(r.ID)
	if i < 0 {
		return fmt.Errorf("a close without its connection %d", r.ID)
	}
	c := &b.log.Conns[i]
	if c.Closed != ClosedNot {
		return fmt.Errorf("connection %d is closed already", r.ID)
	}
	c.Closed, c.Close, c.Failure = r.Closed, r.Close, r.Failure
	b.until(r.Close)
	return nil
}

func (b *builder) addLate(r Lateness) {
	b.log.Late = append(b.log.Late, r)
	b.until(r.At)
}

// addFrame adds the event of a frame of the ring. An error is of addEnd and the like.
func (b *builder) addFrame(k kind, payload []byte) error {
	switch k {
	case kindAttempt:
		var v attemptView
		v.glance(payload)
		v.all()
		b.log.Attempts = append(b.log.Attempts, Attempt{})
		b.fill(&b.log.Attempts[len(b.log.Attempts)-1], &v)
		return b.addAttempt()
	case kindEnd:
		r, failure := decodeEnd(payload)
		r.Failure = b.same(slotFailure, failure)
		return b.addEnd(&r)
	case kindOpen:
		return b.addOpen(b.conn(payload))
	case kindClose:
		return b.addClose(decodeClose(payload))
	case kindLate:
		b.addLate(decodeLate(payload))
	case kindStop:
		b.until(decodeStop(payload))
	default:
		return b.addRare(decodeRare(k, payload))
	}
	return nil
}

// fill fills a zero attempt.
func (r *arena) fill(a *Attempt, v *attemptView) {
	a.Seq, a.Conn, a.ConnRequest = v.seq, v.conn, v.connRequest
	a.Route = r.same(slotRoute, v.route)
	a.Nearest = r.same(slotNearest, v.nearest)
	a.Call = r.str(v.call)
	a.CallNo, a.N, a.Nth = v.callNo, v.n, v.nth
	a.Naming, a.Ambiguous = v.naming, v.has(flagAmbiguous)
	a.Client = r.same(slotClient, v.client)
	a.Method = r.same(slotMethod, v.method)
	a.Target = r.same(slotTarget, v.target)
	a.Host = r.same(slotHost, v.host)
	a.Headers, a.HeaderOrderLost = r.headers(v.block), v.has(flagOrderLost)
	a.BodyLen, a.BodySHA256, a.BodyWhole = v.bodyLen, v.bodySHA256, v.has(flagBodyWhole)
	if len(v.body) > 0 {
		a.Body = slices.Clone(v.body)
	}
	a.First, a.Read, a.Sent = v.first, v.read, v.sent
	a.Phase = r.same(slotPhase, v.phase)
	a.Entry = v.entry
	a.Drawn, a.Applied = r.ints(v.drawn), r.ints(v.applied)
	a.Reason = r.same(slotReason, v.reason)
	a.Status = v.status
	a.Wire = r.same(slotWire, v.wire)
	a.RetryAfter = r.same(slotRetryAfter, v.retryAfter)
	a.Due, a.HasDue, a.Delay = v.due, v.has(flagDue), v.delay
	if v.has(flagLimits) {
		a.Limit, a.Charged, a.Told = r.str(v.limit), r.ints(v.charged), r.quotas(v)
	}
	a.Ledger, a.Event = v.ledger, r.str(v.event)
}

// quotas decodes the quotas of an attempt; nil where it has none.
func (r *arena) quotas(v *attemptView) []Quota {
	d := decoder{p: v.told}
	var list []Quota
	for n := d.uvarint(); n > 0; n-- {
		q, bucket := d.quota(v.first)
		q.Bucket = r.str(bucket)
		list = append(list, q)
	}
	return list
}

// conn decodes the open of a connection.
func (r *arena) conn(payload []byte) Conn {
	var v connView
	v.decode(payload)
	return Conn{
		ID: v.id, Remote: r.same(slotRemote, v.remote), Accept: v.accept,
		Drawn: r.ints(v.drawn), Applied: r.ints(v.applied), Reason: r.same(slotConnReason, v.reason),
		Host: r.same(slotConnHost, v.host), TLS: v.tls,
	}
}

// finish puts the records in the order that Log promises.
func (b *builder) finish() *Log {
	if len(b.log.Attempts) == 0 {
		b.log.Attempts = nil
	}
	sortAttempts(b.log.Attempts)
	byID := func(i, j int) bool { return b.log.Conns[i].ID < b.log.Conns[j].ID }
	if !sort.SliceIsSorted(b.log.Conns, byID) {
		sort.Slice(b.log.Conns, byID)
	}
	return &b.log
}

// sortAttempts sorts by the first request byte, then by ordinal. Attempts are large, so the keys are sorted, and
// each attempt moves once.
func sortAttempts(list []Attempt) {
	sorted := true
	for i := 1; i < len(list) && sorted; i++ {
		x, y := &list[i-1], &list[i]
		sorted = x.First < y.First || x.First == y.First && x.Seq <= y.Seq
	}
	if sorted {
		return
	}
	type key struct {
		first time.Duration
		seq   uint64
		at    int
	}
	keys := make([]key, len(list))
	for i := range list {
		keys[i] = key{list[i].First, list[i].Seq, i}
	}
	slices.SortFunc(keys, func(x, y key) int {
		if x.first != y.first {
			return cmp.Compare(x.first, y.first)
		}
		return cmp.Compare(x.seq, y.seq)
	})
	for i := range keys {
		if keys[i].at == i {
			continue
		}
		moved := list[i]
		to := i
		for keys[to].at != i {
			from := keys[to].at
			list[to] = list[from]
			keys[to].at = to
			to = from
		}
		list[to] = moved
		keys[to].at = to
	}
}
