package console

// CSRFOf is the form token of the one session of a console.
func CSRFOf(s *Server) string {
	s.guard.mu.Lock()
	defer s.guard.mu.Unlock()
	for _, session := range s.guard.sessions {
		return session.csrf
	}
	return ""
}

// UnitsOf is the bound of a page.
func UnitsOf(path string) int {
	for _, p := range pages {
		if p.path == path {
			return p.units
		}
	}
	for _, a := range actions {
		if a.path == path {
			return a.units
		}
	}
	return 0
}

// Bounded are the paths of the pages that read events.
func Bounded() (paths []string) {
	for _, p := range pages {
		if p.units > 0 {
			paths = append(paths, p.path)
		}
	}
	return paths
}
