package market

import (
	"slices"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// Admission is what a job remembers of one handshake.
type Admission struct {
	Handshake string         `json:"handshake"`
	Team      string         `json:"team"`
	Tier      int            `json:"tier"`
	People    int            `json:"people"`
	State     AdmissionState `json:"state"`
	Tick      int64          `json:"tick"` // when, in the job's own count, it was admitted; 0: never
	// Asked is the newest of the handshake's requests for its places that was
	// answered, and Refused why, if it, or the admission, was refused.
	Asked   int    `json:"asked,omitempty"`
	Refused string `json:"refused,omitempty"`
}

// AdmissionState is what an admitted handshake has of the job. The set is closed.
type AdmissionState string

// The states of an admission.
const (
	AdmittedOut  AdmissionState = "out"     // offered or talking: it has no places yet
	AdmittedHas  AdmissionState = "claimed" // it has its places
	AdmittedOver AdmissionState = "over"    // it ended without, or gave them back
	AdmittedNot  AdmissionState = "refused" // it was not admitted; a mark for whoever asks it late
)

// What a job keeps at most, so that nobody can make it grow without end.
const (
	maxAdmissions = 5  // of one team, over time
	maxRefused    = 64 // marks of handshakes that were not admitted; the oldest go
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

// Admission gives what the job remembers of a handshake; nil if it was never asked
// to admit it.
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
// open and the tier is lower, the team is in another handshake for the job or has
// been in too many, there are too few places, too many offers are out.
func (j *Job) Admit(a Admission, now time.Time) ([]store.Entry, error) {
	if j.Admission(a.Handshake) != nil {
		return nil, nil
	}
	talks, times := j.history(a.Team)
	switch {
	case j.State != JobOpen:
		return nil, fault.New(fault.Conflict, "the job is %s", j.State)
	case !now.Before(j.Post.Deadline):
		return nil, fault.New(fault.Gone, "the job's deadline has passed")
	case a.Tier > 1 && j.LookOpen():
		return nil, fault.New(fault.Conflict, "cooperatives have the first look at this job until %s", j.Look.Ends.Format(time.RFC3339)).
			WithFix("try again after that, or when it closes earlier")
	case talks:
		return nil, fault.New(fault.Conflict, "the team has an offer or a place in this job already")
	case times >= maxAdmissions:
		return nil, fault.New(fault.Conflict, "the team has been in %d handshakes about this job, and none came to anything", times)
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

// AskAdmit answers a handshake's wish to be admitted, by the rule of [Job.Admit].
// A refusal is written too, so that whoever asks it again, however late, has the
// answer that [Job.Said] gives.
func (j *Job) AskAdmit(a Admission, now time.Time) []store.Entry {
	if j.Admission(a.Handshake) != nil {
		return nil
	}
	entries, err := j.Admit(a, now)
	if err == nil {
		return entries
	}
	j.forget()
	a.State, a.Refused = AdmittedNot, said(err)
	j.Admitted = append(j.Admitted, a)
	return []store.Entry{store.Audit("job.refuse_admission", a.Refused, a)}
}

// forget drops the oldest mark of a refusal when there are enough.
func (j *Job) forget() {
	refused := func(a Admission) bool { return a.State == AdmittedNot }
	n := 0
	for _, a := range j.Admitted {
		if refused(a) {
			n++
		}
	}
	if n >= maxRefused {
		i := slices.IndexFunc(j.Admitted, refused)
		j.Admitted = slices.Delete(j.Admitted, i, i+1)
	}
}

// history tells whether a team is in a handshake about the job, and in how many
// it has been.
func (j *Job) history(team string) (talks bool, times int) {
	for _, a := range j.Admitted {
		if a.Team != team || a.State == AdmittedNot {
			continue
		}
		times++
		talks = talks || a.State != AdmittedOver
	}
	return talks, times
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

// AskClaim answers a handshake's n-th request for its places, by the rule of
// [Job.Claim]: once, as [Team.Ask] does.
func (j *Job) AskClaim(handshake string, n, people int) []store.Entry {
	a := j.Admission(handshake)
	if a == nil || a.State == AdmittedOver || a.State == AdmittedNot || n <= a.Asked {
		return nil
	}
	entries, err := j.Claim(handshake, people)
	a.Asked, a.Refused = n, said(err)
	act := "job.claim"
	if err != nil {
		act = "job.refuse_claim"
	}
	return append([]store.Entry{store.Audit(act, a.Refused, *a)}, others(entries)...)
}

// Said gives the answer to a handshake's n-th request, of which the 0th was to be
// admitted: nil if it was granted. Errors: a [fault.Conflict] with the words of the
// refusal.
func (j *Job) Said(handshake string, n int) error {
	a := j.Admission(handshake)
	if a == nil {
		return fault.New(fault.Conflict, "the job has not admitted this handshake")
	}
	if a.State == AdmittedNot {
		return fault.New(fault.Conflict, "%s", a.Refused)
	}
	return answered(a.State == AdmittedOver, a.Asked, n, a.Refused)
}

// Yield gives back what an ended handshake had of the job. A filled job opens
// again.
func (j *Job) Yield(handshake string) ([]store.Entry, error) {
	a := j.Admission(handshake)
	if a == nil || a.State == AdmittedOver || a.State == AdmittedNot {
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
