package market

import (
	"time"

	"hezuo/fault"
)

// Shanghai is the market's time zone: eight hours before UTC, without summer
// time.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// Date is a civil date in [Shanghai], as "2026-11-26". Dates compare as strings.
type Date string

// DateOf gives the civil date of an instant.
func DateOf(t time.Time) Date { return Date(t.In(Shanghai).Format(time.DateOnly)) }

// Valid reports whether the date exists.
func (d Date) Valid() bool {
	_, err := time.Parse(time.DateOnly, string(d))
	return err == nil
}

// Start gives the instant at which the date begins; the zero time for a date
// that does not exist.
func (d Date) Start() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), Shanghai)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Add gives the date n days later.
func (d Date) Add(n int) Date { return DateOf(d.Start().AddDate(0, 0, n)) }

// monthsAfter gives the same hour of the same day n months later, or of the month's
// last day where it has no such day: never more than n months.
func monthsAfter(t time.Time, n int) time.Time {
	t = t.In(Shanghai)
	later := t.AddDate(0, n, 0)
	if later.Day() != t.Day() {
		later = later.AddDate(0, 0, -later.Day())
	}
	return later.UTC()
}

// MaxDays is the longest period that a job or a team may name.
const MaxDays = 366

// Period is a span of whole days; both ends belong to it.
type Period struct {
	From Date `json:"from" format:"date" doc:"First day, as 2026-11-26, in Asia/Shanghai"`
	To   Date `json:"to" format:"date" doc:"Last day; not before the first, at most 366 days in all"`
}

// Validate reports what is wrong, naming fields under path.
func (p Period) Validate(path string) error {
	const fix = "write a date that exists as year-month-day, such as 2026-11-26"
	switch {
	case !p.From.Valid():
		return fault.Field(path+".from", "this is no date", fix)
	case !p.To.Valid():
		return fault.Field(path+".to", "this is no date", fix)
	case p.To < p.From:
		return fault.Field(path+".to", "the last day is before the first", "name a last day that is not before the first")
	case p.Days() > MaxDays:
		return fault.Field(path+".to", "the period is longer than a year", "name at most 366 days, and post again for what follows")
	}
	return nil
}

// Days counts the days.
func (p Period) Days() int { return int(p.To.Start().Sub(p.From.Start())/(24*time.Hour)) + 1 }

// Covers reports whether all days of q are in p.
func (p Period) Covers(q Period) bool { return p.From <= q.From && q.To <= p.To }

// Overlaps reports whether the periods share a day.
func (p Period) Overlaps(q Period) bool { return p.From <= q.To && q.From <= p.To }

// Start gives the instant at which the first day begins.
func (p Period) Start() time.Time { return p.From.Start() }

// End gives the instant at which the last day is over.
func (p Period) End() time.Time { return p.To.Start().Add(24 * time.Hour) }
