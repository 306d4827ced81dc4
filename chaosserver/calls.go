package chaosserver

import (
	"strconv"
	"sync"
	"time"

	"brownout/chaosserver/journal"
)

// calls is the table of live calls: it tells to which call an attempt belongs, and numbers attempts and calls. It may
// be shared by goroutines.
//
// A call with a name is the one of that name. The others go by their print. Of the live calls of one print an attempt
// belongs to the one that has waited longest, since of clients with one policy the first to fail is the first to come
// back; a print with no call waiting begins a new one. From the moment a print has two live calls until it has none,
// its attempts are ambiguous.
//
// A call goes by its print until it is answered by a whole 2xx, or has been quiet for long enough. A named call is
// never over, but once answered so it may be forgotten without a word.
type calls struct {
	quiet time.Duration
	max   int // calls kept; those with an attempt under way are kept beyond it

	mu       sync.Mutex // guards what follows, and the fields of calls and groups that say so
	named    map[callName]*call
	prints   map[print]*group
	all      int
	idle     queue    // calls without an attempt under way
	free     *call    // calls to use again
	spare    []*group // groups to use again, at most spareGroups
	arrivals int
	byPrint  int     // calls by print so far
	routes   []tally // by route, the last for requests that no route matches
}

// spareGroups bounds the groups that are kept to be used again.
const spareGroups = 256

// tally counts what came to one route.
type tally struct{ attempts, calls int }

// callName is the name of a call and where it was found.
type callName struct {
	by   journal.Naming
	name string
}

// print is what attempts of one call have in common where nothing names it.
type print struct {
	method, target string // the target less the prefix, with its query
	body           [32]byte
	host           string // that it came to
}

// group is the live calls of one print. Guarded by calls.mu.
type group struct {
	live      int
	only      *call // the live call, while there has been only one
	idle      queue
	ambiguous bool
}

// call is a live call.
type call struct {
	key   callName
	print print // where nothing names it
	no    int

	turn    sync.Mutex // held while an attempt is decided about, so that concurrent ones get one entry each
	entries []entries  // guarded by turn: attempts that the answers of a route answered

	// Guarded by calls.mu.
	group    *group        // nil for a named call, and for one that has left the table
	n        int           // attempts
	listed   bool          // in the table
	underWay int           // attempts whose answer is not yet being sent
	pins     int           // attempts that hold this call
	conn     *conn         // of the latest attempt; nil for a bare handler
	since    time.Duration // when the latest attempt was answered
	due      time.Duration // a Retry-After is pending until then
	over     bool          // answered by a whole 2xx
	links    [2]link       // its places in queues
	next     *call         // in the list of calls to use again
}

// entries is how many attempts of a call the answers of one route answered.
type entries struct{ route, count int }

// answered returns the count of attempts that the route's answers answered. It requires turn.
func (k *call) answered(route int) *int {
	for i := range k.entries {
		if k.entries[i].route == route {
			return &k.entries[i].count
		}
	}
	k.entries = append(k.entries, entries{route: route})
	return &k.entries[len(k.entries)-1].count
}

// The two kinds of queue.
const (
	inTable = iota // all idle calls
	inGroup        // those of one print
)

// queue is a list of idle calls in the order in which they became so.
type queue struct{ oldest, newest *call }

// link is a place in a queue.
type link struct {
	prev, next *call
	linked     bool
}

func (q *queue) push(k *call, kind int) {
	k.links[kind] = link{prev: q.newest, linked: true}
	if q.newest == nil {
		q.oldest = k
	} else {
		q.newest.links[kind].next = k
	}
	q.newest = k
}

func (q *queue) remove(k *call, kind int) {
	l := k.links[kind]
	if !l.linked {
		return
	}
	if l.prev == nil {
		q.oldest = l.next
	} else {
		l.prev.links[kind].next = l.next
	}
	if l.next == nil {
		q.newest = l.prev
	} else {
		l.next.links[kind].prev = l.prev
	}
	k.links[kind] = link{}
}

func newCalls(routes int, quiet time.Duration, limit int) *calls {
	return &calls{
		quiet:  quiet,
		max:    limit,
		named:  make(map[callName]*call),
		prints: make(map[print]*group),
		routes: make([]tally, routes+1),
	}
}

// arrival is where an attempt belongs.
type arrival struct {
	call      *call
	ordinal   int // of the attempt in the run, 1-based
	nth       int
	n         int // of the attempt in its call, 1-based
	ambiguous bool
	dropped   bool // a live call had to leave the table
}

// arriveNamed places an attempt of a named call. The number is the driver's, 0 where the name is none.
func (t *calls) arriveNamed(key callName, number, route int, c *conn, now time.Duration) arrival {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.count(route)
	k := t.named[key]
	if k == nil {
		a.dropped = t.makeRoom(now)
		k = t.list()
		k.key, k.no = key, number
		if number == 0 {
			k.no = t.number(route)
		}
		t.named[key] = k
	}
	t.enter(k, c)
	a.call, a.n = k, k.n
	return a
}

// arrive places an attempt of a call that nothing names.
func (t *calls) arrive(p print, route int, c *conn, now time.Duration) arrival {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.count(route)
	g := t.prints[p]
	k := t.waiting(g, now)
	if k == nil {
		a.dropped = t.makeRoom(now)
		k = t.list()
		k.no = t.number(route)
		t.byPrint++
		k.key, k.print = callName{journal.NamedByPrint, printName(p, t.byPrint)}, p
		t.join(k, g)
	}
	t.enter(k, c)
	a.call, a.n, a.ambiguous = k, k.n, k.group.ambiguous
	return a
}

// printName makes the name of the n-th call by print, unique in the run.
func printName(p print, n int) string {
	b := make([]byte, 0, 64)
	b = append(b, p.method...)
	b = append(b, ' ')
	b = append(b, p.target...)
	b = append(b, " #"...)
	return string(strconv.AppendInt(b, int64(n), 10))
}

// count requires mu.
func (t *calls) count(route int) arrival {
	t.arrivals++
	r := t.route(route)
	r.attempts++
	return arrival{ordinal: t.arrivals, nth: r.attempts}
}

// number requires mu.
func (t *calls) number(route int) int {
	r := t.route(route)
	r.calls++
	return r.calls
}

// route requires mu. Its argument is negative where no route matches.
func (t *calls) route(i int) *tally {
	if i < 0 {
		i = len(t.routes) - 1
	}
	return &t.routes[i]
}

// waiting returns the live call of a print's group that an attempt continues, nil where it begins one. It requires mu.
func (t *calls) waiting(g *group, now time.Duration) *call {
	if g == nil {
		return nil
	}
	for k := g.idle.oldest; k != nil; {
		next := k.links[inGroup].next
		if !t.quietAt(k, now) {
			return k
		}
		t.forget(k)
		k = next
	}
	// Every live call has an attempt under way. A client that gave its attempt up and tries again may be here before
	// the end of the connection it gave up has been read.
	if g.live == 1 && g.only != nil && g.only.conn != nil && g.only.conn.abandoned() {
		return g.only
	}
	return nil
}

// quietAt reports whether an idle call has been quiet for so long that it is no longer live. It requires mu.
func (t *calls) quietAt(k *call, now time.Duration) bool {
	return now >= max(k.since, k.due)+t.quiet
}

// list returns a call that is in the table. It requires mu.
func (t *calls) list() *call {
	k := t.free
	if k == nil {
		k = new(call)
	} else {
		t.free, k.next = k.next, nil
	}
	k.listed = true
	t.all++
	return k
}

// join makes k a live call of its print, whose group is nil, or has lost its last call, where it has none. It requires mu.
func (t *calls) join(k *call, g *group) {
	if g == nil || g.live == 0 {
		if n := len(t.spare); n > 0 {
			g, t.spare = t.spare[n-1], t.spare[:n-1]
		} else {
			g = new(group)
		}
		g.only = k
		t.prints[k.print] = g
	}
	g.live++
	if g.live > 1 {
		g.only, g.ambiguous = nil, true
	}
	k.group = g
}

// enter says that an attempt of k is under way. It requires mu.
func (t *calls) enter(k *call, c *conn) {
	k.n++
	k.underWay++
	k.pins++
	k.conn = c
	t.stir(k)
}

// stir takes k out of the queues. It requires mu.
func (t *calls) stir(k *call) {
	t.idle.remove(k, inTable)
	if k.group != nil {
		k.group.idle.remove(k, inGroup)
	}
}

// rest puts k into the queues. It requires mu.
func (t *calls) rest(k *call) {
	t.idle.push(k, inTable)
	if k.group != nil {
		k.group.idle.push(k, inGroup)
	}
}

// answering says that the last bytes of an attempt's answer, or the end of its connection, are about to be sent. It
// comes before them, since the client may be back before the write that sends them returns. With over they make up a
// whole 2xx; due is when a Retry-After among them lets the client come back, 0 where there is none.
func (t *calls) answering(k *call, over bool, due, now time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k.underWay--
	if !k.listed { // another attempt brought the 2xx
		return
	}
	k.since, k.due, k.over = now, max(k.due, due), over
	switch {
	case over && k.group != nil:
		t.forget(k)
	case k.underWay == 0:
		t.rest(k)
	}
}

// cutShort takes back that an attempt was answered by a whole 2xx, for the write of it failed.
func (t *calls) cutShort(k *call, now time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k.over = false
	if k.listed || k.key.by != journal.NamedByPrint {
		return
	}
	k.listed, k.since = true, now
	t.all++
	t.join(k, t.prints[k.print]) // beside the call that the print may have begun in the meantime
	if k.underWay == 0 {
		t.rest(k)
	}
}

// done lets go of the call of an attempt whose answering came before.
func (t *calls) done(k *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k.pins--
	t.recycle(k)
}

// forget takes k out of the table. It requires mu.
func (t *calls) forget(k *call) {
	t.stir(k)
	if g := k.group; g != nil {
		g.live--
		if g.live == 0 {
			delete(t.prints, k.print)
			*g = group{}
			if len(t.spare) < spareGroups {
				t.spare = append(t.spare, g)
			}
		}
		k.group = nil
	} else {
		delete(t.named, k.key)
	}
	t.all--
	k.listed = false
	t.recycle(k)
}

// recycle keeps k for another call if nothing holds it any longer. It requires mu.
func (t *calls) recycle(k *call) {
	if k.listed || k.pins > 0 {
		return
	}
	*k = call{entries: k.entries[:0], next: t.free}
	t.free = k
}

// makeRoom makes sure that one more call fits into the table, and reports whether a live one had to leave. It
// requires mu.
func (t *calls) makeRoom(now time.Duration) (dropped bool) {
	k := t.idle.oldest
	if t.all < t.max || k == nil {
		return false
	}
	dropped = !k.over && !t.quietAt(k, now)
	t.forget(k)
	return dropped
}
