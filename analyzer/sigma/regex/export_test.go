package regex

// StateBytes gives the memory that the states of r take.
func (r *Regex) StateBytes() int {
	r.dfa.mu.Lock()
	defer r.dfa.mu.Unlock()
	t := r.dfa.table.Load()
	return t.generation.bytes + 4*len(t.next)
}
