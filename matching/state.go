package matching

import "fmt"

// State is where a handshake is. The set is closed.
//
//	proposed ──the job admits it──▶ offered ──both say yes──▶ negotiating ──both accept the same terms──▶ agreed
//	agreed ──all sign──▶ signed ──first day──▶ working ──last day is over──▶ done
//
// From each state but the last it can end in one of the others.
type State string

// The states. Proposed is the intent that the job has not answered yet: nobody
// but its proposer sees it.
const (
	Proposed    State = "proposed"
	Offered     State = "offered"
	Negotiating State = "negotiating"
	Agreed      State = "agreed"
	Signed      State = "signed"
	Working     State = "working"
	Done        State = "done"

	Declined  State = "declined"   // one side said no to the offer
	Withdrawn State = "withdrawn"  // one side, or the house, took it back
	Expired   State = "expired"    // a deadline passed
	Overtaken State = "overtaken"  // others had the places first
	Refused   State = "refused"    // one side would not sign what was agreed
	BrokenOff State = "broken_off" // one side left what was signed
)

// States lists all states, in the order of a handshake's life.
func States() []State {
	return []State{
		Proposed, Offered, Negotiating, Agreed, Signed, Working, Done,
		Declined, Withdrawn, Expired, Overtaken, Refused, BrokenOff,
	}
}

// Over reports whether nothing can change any more.
func (s State) Over() bool {
	switch s {
	case Done, Declined, Withdrawn, Expired, Overtaken, Refused, BrokenOff:
		return true
	case Proposed, Offered, Negotiating, Agreed, Signed, Working:
		return false
	}
	panic(fmt.Sprintf("matching: no state %q", string(s)))
}

// Bound reports whether the parties are bound by what they signed.
func (s State) Bound() bool { return s == Signed || s == Working || s == Done }

// Origin is who proposed the handshake.
type Origin string

// The origins. All three make the same object, and each side must say yes.
const (
	FromEngine  Origin = "engine"
	Invitation  Origin = "invitation"  // by the employer
	Application Origin = "application" // by the team's owner
)

// Role is one side of a handshake.
type Role string

// The roles.
const (
	Employer Role = "employer"
	Owner    Role = "owner" // the team's
)

// Other gives the other side.
func (r Role) Other() Role {
	if r == Employer {
		return Owner
	}
	return Employer
}

// Step is what a handshake waits for from another document.
type Step string

// The steps.
const (
	StepNone    Step = ""
	StepAdmit   Step = "admit"   // the job is to admit it
	StepHold    Step = "hold"    // the team is to hold its people
	StepClaim   Step = "claim"   // the job is to give its places
	StepRelease Step = "release" // team and job are to let it go
)
