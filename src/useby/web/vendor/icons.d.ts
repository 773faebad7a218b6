/** Data of one SVG path, 24 units wide and high, by the name of the icon. */
declare const icons: Readonly<Record<string, string>>;
export default icons;
