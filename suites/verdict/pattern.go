package verdict

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// mostWaits is how many waits a pattern lists.
const mostWaits = 8

// waitsPattern states what the waits of a call have in common from attempt k on, where the data shows it: at least
// two of them that double or stay the same. It never guesses at anything else; "" where there is nothing to state.
func waitsPattern(atts []*attempt, k int) string {
	if k < 0 {
		return ""
	}
	var waits []time.Duration
	for i := 0; i+1 < len(atts); i++ {
		waits = append(waits, max(atts[i+1].First-atts[i].Sent, 0))
	}
	tail := waits[k:]
	if len(tail) < 2 {
		return ""
	}
	texts := make([]string, 0, mostWaits)
	for _, w := range waits[:min(len(waits), mostWaits)] {
		texts = append(texts, measured(w))
	}
	lead := "waits " + strings.Join(texts, ", ")
	if len(waits) > mostWaits {
		lead += fmt.Sprintf(" and %d more", len(waits)-mostWaits)
	}
	switch base := roughly(tail[0]); {
	case steady(tail, 2):
		return fmt.Sprintf("%s. From attempt %d on they double from %s, as a backoff that ignores the header.", lead, k+1, base)
	case steady(tail, 1):
		return fmt.Sprintf("%s. From attempt %d on they are all about %s, as a fixed wait that ignores the header.", lead, k+1, base)
	}
	return ""
}

// steady reports whether each wait is the one before times the ratio, within 10 % and 10 ms.
func steady(waits []time.Duration, ratio float64) bool {
	for i, w := range waits[1:] {
		want := ratio * float64(waits[i])
		if math.Abs(float64(w)-want) > 0.1*want+float64(10*time.Millisecond) {
			return false
		}
	}
	return waits[0] > 2*early // shorter ones are too close to noise
}

// roughly writes a duration with one digit that counts: 0.2s, 3s.
func roughly(d time.Duration) string {
	s := d.Seconds()
	digits := max(0, int(math.Ceil(-math.Log10(s))))
	return strconv.FormatFloat(s, 'f', digits, 64) + "s"
}
