package realtime

import (
	"time"

	"golang.org/x/time/rate"
)

// FrameLimit is how many frames a client may send on one connection: requests
// and pings together, and pongs that nobody asked for. A zero field means its
// default.
type FrameLimit struct {
	PerSecond float64 // in the long run; 20
	Burst     int     // at once, as when it joins all its rooms again after a break; 100
}

func (l FrameLimit) withDefaults() FrameLimit {
	if l.PerSecond == 0 {
		l.PerSecond = 20
	}
	if l.Burst == 0 {
		l.Burst = 100
	}
	return l
}

// frameLimiter is a [FrameLimit] at work on one connection.
type frameLimiter struct {
	bucket *rate.Limiter
	now    func() time.Time
}

func newFrameLimiter(l FrameLimit, now func() time.Time) frameLimiter {
	l = l.withDefaults()
	return frameLimiter{bucket: rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst), now: now}
}

// allow takes one frame from the bucket, and says whether it was there.
func (f frameLimiter) allow() bool { return f.bucket.AllowN(f.now(), 1) }
