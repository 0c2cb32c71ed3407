package pattern

// Relation is what the requests of one pattern are to those of another.
type Relation uint8

// The relations.
const (
	Same     Relation = iota
	Disjoint          // no request matches both
	General           // the first matches all that the second does, and more
	Special           // the other way round
	Overlap           // some match both, and some either
)

// Conflict says in words why two patterns of that relation cannot be beside
// each other; it is empty if they can.
func (r Relation) Conflict() string {
	switch r {
	case Same:
		return "they match the same requests"
	case Overlap:
		return "some requests match both, and neither is more specific"
	}
	return ""
}

// and is the relation of two that are related by r in one part and by s in
// another.
func (r Relation) and(s Relation) Relation {
	switch {
	case r == Disjoint || s == Disjoint:
		return Disjoint
	case r == Same:
		return s
	case s == Same || r == s:
		return r
	}
	return Overlap
}

// Relate compares two patterns.
func (p *Pattern) Relate(q *Pattern) Relation {
	if p.Host != q.Host {
		// One that names a host is looked at first, and hosts are no
		// wildcards: there is no conflict.
		return Disjoint
	}
	return relateMethods(p.Method, q.Method).and(relatePaths(p.Segments, q.Segments))
}

func relateMethods(m, n string) Relation {
	switch {
	case m == n:
		return Same
	case m == "", m == "GET" && n == "HEAD":
		return General
	case n == "", n == "GET" && m == "HEAD":
		return Special
	}
	return Disjoint
}

func relatePaths(a, b []Segment) Relation {
	aMulti, bMulti := a[len(a)-1].Multi, b[len(b)-1].Multi
	r := Same
	for len(a) > 0 && len(b) > 0 {
		r = r.and(relateSegments(a[0], b[0]))
		a, b = a[1:], b[1:]
	}
	switch {
	case len(a) == len(b):
		return r
	case len(a) < len(b) && aMulti:
		return r.and(General)
	case len(b) < len(a) && bMulti:
		return r.and(Special)
	}
	return Disjoint
}

func relateSegments(a, b Segment) Relation {
	switch {
	case a.Multi && b.Multi:
		return Same
	case a.Multi:
		return General
	case b.Multi:
		return Special
	case a.Wild && b.Wild:
		return Same
	case a.Wild:
		if b.Text == "/" {
			return Disjoint // a wildcard is not empty
		}
		return General
	case b.Wild:
		if a.Text == "/" {
			return Disjoint
		}
		return Special
	case a.Text == b.Text:
		return Same
	}
	return Disjoint
}
