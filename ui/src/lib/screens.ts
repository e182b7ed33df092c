import type { Screen } from "../generated";

/** The data of one view. */
export type ScreenOf<View extends Screen["view"]> = Extract<Screen, { view: View }>;
