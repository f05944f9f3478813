"""REST under /pg, in the wire format that merchants' clients already speak."""
