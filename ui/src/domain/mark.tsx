// The product's own mark, as in icons/icon.svg.
export function Mark() {
  return (
    <svg viewBox="48 48 928 928" aria-hidden="true">
      <title>Holdfast</title>
      <rect x="48" y="48" width="928" height="928" rx="216" fill="#0d7f73" />
      <g fill="none" stroke="#fff" strokeWidth="76" strokeLinecap="round" strokeLinejoin="round">
        <circle cx="512" cy="280" r="80" />
        <path d="M512 360V792M372 470H652" />
        <path d="M236 566C252 706 364 792 512 792S772 706 788 566" />
        <path d="M168 632 236 552 304 632M720 632 788 552 856 632" />
      </g>
    </svg>
  );
}
