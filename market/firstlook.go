package market

import (
	"time"

	"hezuo/fault"
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
	j.Look.Listed, j.Look.Feed = true, max(j.Look.Feed, feed)
	for _, t := range teams {
		if j.looker(t.Team) == nil {
			j.Look.Teams = append(j.Look.Teams, Looker{Team: t.Team, Owner: t.Owner})
			changed = true
		}
	}
	if !changed {
		return nil, nil
	}
	return j.looked("job.look_listed")
}

// Answer records what a listed team said, and closes the first look if it was
// the last. A first answer stands, except that a yes may follow it and a yes that
// came to nothing may be taken back.
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

// Admission is what a job remembers of one handshake.
type Admission struct {
	Handshake string         `json:"handshake"`
	Team      string         `json:"team"`
	Tier      int            `json:"tier"`
	People    int            `json:"people"`
	State     AdmissionState `json:"state"`
	Tick      int64          `json:"tick"` // when, in the job's own count, it was admitted
}

// AdmissionState is what an admitted handshake has of the job. The set is closed.
type AdmissionState string

// The states of an admission.
const (
	AdmittedOut  AdmissionState = "out"     // offered or talking: it has no places yet
	AdmittedHas  AdmissionState = "claimed" // it has its places
	AdmittedOver AdmissionState = "over"    // it ended without, or gave them back
)

// Claimed counts the places that are taken.
func (j *Job) Claimed() int { return j.sum(AdmittedHas) }

// Free counts the places that are not.
func (j *Job) Free() int { return j.Post.Headcount - j.Claimed() }

// Out counts the people who have an offer, or talk, and no place yet.
func (j *Job) Out() int { return j.sum(AdmittedOut) }

func (j *Job) sum(s AdmissionState) int {
	n := 0
	for _, a := range j.Admitted {
		if a.State == s {
			n += a.People
		}
	}
	return n
}

// Admission gives what the job remembers of a handshake; nil if it was never
// admitted.
func (j *Job) Admission(handshake string) *Admission {
	for i := range j.Admitted {
		if j.Admitted[i].Handshake == handshake {
			return &j.Admitted[i]
		}
	}
	return nil
}

// Admit lets a handshake be offered. Errors, all [fault.Conflict] or
// [fault.Gone]: the job is not open, its deadline has passed, the first look is
// open and the tier is lower, the team is in another handshake for the job, there
// are too few places, too many offers are out.
func (j *Job) Admit(a Admission, now time.Time) ([]store.Entry, error) {
	if j.Admission(a.Handshake) != nil {
		return nil, nil
	}
	switch {
	case j.State != JobOpen:
		return nil, fault.New(fault.Conflict, "the job is %s", j.State)
	case !now.Before(j.Post.Deadline):
		return nil, fault.New(fault.Gone, "the job's deadline has passed")
	case a.Tier > 1 && j.LookOpen():
		return nil, fault.New(fault.Conflict, "cooperatives have the first look at this job until %s", j.Look.Ends.Format(time.RFC3339)).
			WithFix("try again after that, or when it closes earlier")
	case j.inTalks(a.Team):
		return nil, fault.New(fault.Conflict, "the team has an offer or a place in this job already")
	case a.People > j.Free():
		return nil, fault.New(fault.Conflict, "the job has only %d free places", j.Free()).WithFix("send fewer people, if the team may be split")
	case j.Out()+a.People > j.Free()*max(1, j.Settings.OffersPerPlace):
		return nil, fault.New(fault.Conflict, "as many offers are out as the market allows for the job's free places").WithFix("try again when one of them has ended")
	}
	j.Ticks++
	a.State, a.Tick = AdmittedOut, j.Ticks
	j.Admitted = append(j.Admitted, a)
	return []store.Entry{store.Audit("job.admit", "", a)}, nil
}

func (j *Job) inTalks(team string) bool {
	for _, a := range j.Admitted {
		if a.Team == team && a.State != AdmittedOver {
			return true
		}
	}
	return false
}

// ErrOvertaken says that the places were claimed by others first.
var ErrOvertaken = fault.New(fault.Conflict, "others have taken the job's places")

// Claim takes the places of a handshake whose terms are accepted. Errors:
// [ErrOvertaken]; [fault.Gone] where the job was closed or removed.
func (j *Job) Claim(handshake string, people int) ([]store.Entry, error) {
	a := j.Admission(handshake)
	if a == nil {
		return nil, fault.New(fault.Conflict, "the job has not admitted this handshake")
	}
	switch {
	case a.State == AdmittedHas && a.People == people:
		return nil, nil
	case j.State == JobClosed || j.State == JobRemoved:
		return nil, fault.New(fault.Gone, "the job is %s", j.State)
	case a.State != AdmittedOut:
		return nil, fault.New(fault.Conflict, "the handshake has ended for this job")
	case people > j.Free():
		return nil, ErrOvertaken
	}
	j.Ticks++
	a.State, a.People = AdmittedHas, people
	entries := []store.Entry{store.Audit("job.claim", "", *a)}
	if j.Free() == 0 && j.State == JobOpen {
		j.State = JobFilled
		j.closeLook(LookJobOver)
		entries = append(entries, j.feed("job.filled"))
	}
	return entries, nil
}

// Yield gives back what an ended handshake had of the job. A filled job opens
// again.
func (j *Job) Yield(handshake string) ([]store.Entry, error) {
	a := j.Admission(handshake)
	if a == nil || a.State == AdmittedOver {
		return nil, nil
	}
	j.Ticks++
	a.State = AdmittedOver
	entries := []store.Entry{store.Audit("job.yield", "", *a)}
	if j.State == JobFilled && j.Free() > 0 {
		j.State = JobOpen
		entries = append(entries, j.feed("job.reopened"))
	}
	return entries, nil
}
