package market

import (
	"time"

	"hezuo/store"
)

// FirstLook (优先对接期) is the record of the time in which only cooperatives may
// be offered a job, or apply for it: public gig markets introduce business to
// cooperatives first (意见三（八）). It is logged, ends by a date, and closes once,
// by a write. Until that write the job admits no lower tier.
type FirstLook struct {
	Opened time.Time  `json:"opened"`
	Ends   time.Time  `json:"ends"`
	Listed bool       `json:"listed"` // whether the engine has listed the teams
	Feed   int64      `json:"feed"`   // how far the posts' feed was read when it did
	Teams  []Looker   `json:"teams,omitempty"`
	Closed LookReason `json:"closed,omitempty"`
	Tick   int64      `json:"tick,omitempty"` // when, in the job's own count, it closed
}

// Looker is a team that the first look is for.
type Looker struct {
	Team   string     `json:"team"`
	Owner  string     `json:"owner"` // party id
	Answer LookAnswer `json:"answer,omitempty"`
}

// LookAnswer is what a team said in a first look.
type LookAnswer string

// The answers.
const (
	LookYes     LookAnswer = "yes"
	LookPassed  LookAnswer = "passed"
	LookExpired LookAnswer = "expired" // its offer ran out
)

// LookReason is why a first look closed.
type LookReason string

// The reasons.
const (
	LookTime     LookReason = "time"         // its end came
	LookAnswered LookReason = "all_answered" // every team listed has answered
	LookNobody   LookReason = "no_team"      // no cooperative's team fits
	LookOff      LookReason = "switched_off" // the market has switched it off
	LookJobOver  LookReason = "job_over"     // the job ended first
)

// openLook begins the first look, or records that it is switched off.
func (j *Job) openLook(s Settings, now time.Time) {
	now = now.UTC()
	length := s.FirstLook(now)
	j.Look = &FirstLook{Opened: now, Ends: now.Add(length)}
	if length == 0 {
		j.closeLook(LookOff)
	}
}

// LookOpen reports whether only cooperatives may be admitted.
func (j *Job) LookOpen() bool { return j.Look != nil && j.Look.Closed == "" }

// closeLook closes the first look if it is open.
func (j *Job) closeLook(why LookReason) {
	if !j.LookOpen() {
		return
	}
	j.Ticks++
	j.Look.Closed, j.Look.Tick = why, j.Ticks
}

// List adds teams of cooperatives to the first look, with how far the feed was
// read, and closes it if there is nobody whose answer is awaited. Teams that are
// listed already keep their answers.
func (j *Job) List(teams []Looker, feed int64) ([]store.Entry, error) {
	if j.State != JobOpen || !j.LookOpen() {
		return nil, nil
	}
	changed := !j.Look.Listed
	for _, t := range teams {
		if j.looker(t.Team) == nil {
			j.Look.Teams = append(j.Look.Teams, Looker{Team: t.Team, Owner: t.Owner})
			changed = true
		}
	}
	if !changed {
		return nil, nil // nor is the feed's place moved: that alone is no change of state
	}
	j.Look.Listed, j.Look.Feed = true, max(j.Look.Feed, feed)
	return j.looked("job.look_listed")
}

// Answer records what a listed team said last, and closes the first look if all
// have answered. Who is not listed is not waited for.
func (j *Job) Answer(team string, a LookAnswer) ([]store.Entry, error) {
	t := j.looker(team)
	if t == nil || !j.LookOpen() || t.Answer == a {
		return nil, nil
	}
	t.Answer = a
	return j.looked("job.look_answered")
}

// looked closes the first look if nothing more is awaited, and gives the entries.
func (j *Job) looked(act string) ([]store.Entry, error) {
	switch {
	case len(j.Look.Teams) == 0:
		j.closeLook(LookNobody)
	case j.allAnswered():
		j.closeLook(LookAnswered)
	}
	kind := act
	if j.Look.Closed != "" {
		kind = "job.look_closed"
	}
	return []store.Entry{store.Audit(act, string(j.Look.Closed), j.Look), j.feed(kind)}, nil
}

func (j *Job) allAnswered() bool {
	for _, t := range j.Look.Teams {
		if t.Answer == "" {
			return false
		}
	}
	return true
}

func (j *Job) looker(team string) *Looker {
	if j.Look == nil {
		return nil
	}
	for i := range j.Look.Teams {
		if j.Look.Teams[i].Team == team {
			return &j.Look.Teams[i]
		}
	}
	return nil
}
