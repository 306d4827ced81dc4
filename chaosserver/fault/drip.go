package fault

import (
	"context"
	"time"
)

// Drip is the pace of bytes that go slowly: the n-th byte goes no earlier than n/rate seconds after the first. It serves one
// goroutine.
type Drip struct {
	rate  int64
	begun time.Time
	sent  int64
}

// NewDrip is the pace of so many bytes a second, at least 1, that begins now.
func NewDrip(rate int64) *Drip { return &Drip{rate: rate, begun: time.Now()} }

// dripsPerSecond is how many pieces a second there are, where there is more than a byte for each.
const dripsPerSecond = 20

// Next waits until another piece may go, and returns how long that is, at most left bytes; or the context's error, should
// that end first. The first piece goes at once.
func (d *Drip) Next(ctx context.Context, left int64) (int64, error) {
	if err := Wait(ctx, d.begun, time.Duration(float64(d.sent)/float64(d.rate)*float64(time.Second))); err != nil {
		return 0, err
	}
	piece := min(left, max(1, d.rate/dripsPerSecond))
	d.sent += piece
	return piece, nil
}
