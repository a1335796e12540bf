package realtime

import "strconv"

// Code says why a connection ended. It is the websocket close code; the set is
// closed. The close frame's text is the code's name and what the client should
// do, such as "too_slow:now", so that a client need not know every code.
type Code uint16

// The codes. Each comment ends with what the client should do.
const (
	CloseNormal        Code = 1000 // the client, or the person, is done: stay away
	CloseGoingAway     Code = 1001 // this node is stopping: come back now, another may answer
	CloseProtocol      Code = 1002 // the client broke RFC 6455: stay away
	CloseUnsupported   Code = 1003 // a binary frame: stay away
	CloseLost          Code = 1006 // the connection broke; never on the wire, but browsers report it: come back now
	CloseBadText       Code = 1007 // text that is no UTF-8, or cannot be decompressed: stay away
	CloseTooBig        Code = 1009 // a frame above the read limit: stay away, the same frame would end the same
	CloseFailed        Code = 1011 // a defect of ours: come back later
	CloseBusy          Code = 1013 // too many connections: come back later
	CloseBadFrame      Code = 4000 // a frame without a good id, which nobody can be told about: stay away
	CloseSessionEnded  Code = 4001 // the session has ended: sign in anew
	CloseNotAllowed    Code = 4003 // the person may not be here any more: stay away
	CloseSilent        Code = 4007 // no sign of life in time: come back now
	CloseTooSlow       Code = 4008 // the client reads slower than it is written to: come back now and catch up by number
	CloseReplaced      Code = 4009 // the same client opened another connection: stay away
	CloseTooManyFrames Code = 4029 // the client sent more than the limit: come back later
)

// Codes gives the closed set, in order, for the client's table.
func Codes() []Code {
	return []Code{
		CloseNormal, CloseGoingAway, CloseProtocol, CloseUnsupported, CloseLost, CloseBadText, CloseTooBig,
		CloseFailed, CloseBusy, CloseBadFrame, CloseSessionEnded, CloseNotAllowed, CloseSilent, CloseTooSlow,
		CloseReplaced, CloseTooManyFrames,
	}
}

// Back is what a client should do after its connection ended.
type Back string

// What a client should do.
const (
	BackNever  Back = "never"   // the same would happen again
	BackNow    Back = "now"     // within seconds, at a random moment: others were cut with it
	BackLater  Back = "later"   // after a pause that grows
	BackSignIn Back = "sign_in" // with a new session
)

// Known reports whether c is in the closed set.
func (c Code) Known() bool { name, _ := c.entry(); return name != "" }

// Back says what the client should do.
func (c Code) Back() Back { _, back := c.entry(); return back }

// String gives the code's name, such as "too_slow".
func (c Code) String() string {
	if name, _ := c.entry(); name != "" {
		return name
	}
	return "code_" + strconv.Itoa(int(c))
}

func (c Code) entry() (string, Back) {
	switch c {
	case CloseNormal:
		return "normal", BackNever
	case CloseGoingAway:
		return "going_away", BackNow
	case CloseProtocol:
		return "protocol", BackNever
	case CloseUnsupported:
		return "unsupported", BackNever
	case CloseLost:
		return "lost", BackNow
	case CloseBadText:
		return "bad_text", BackNever
	case CloseTooBig:
		return "too_big", BackNever
	case CloseFailed:
		return "failed", BackLater
	case CloseBusy:
		return "busy", BackLater
	case CloseBadFrame:
		return "bad_frame", BackNever
	case CloseSessionEnded:
		return "session_ended", BackSignIn
	case CloseNotAllowed:
		return "not_allowed", BackNever
	case CloseSilent:
		return "silent", BackNow
	case CloseTooSlow:
		return "too_slow", BackNow
	case CloseReplaced:
		return "replaced", BackNever
	case CloseTooManyFrames:
		return "too_many_frames", BackLater
	}
	return "", BackNever
}
