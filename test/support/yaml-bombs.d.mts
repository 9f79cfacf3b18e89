export declare const BOMB_NAMES: readonly string[];
export declare function yamlBomb(name: string, length: number): string;
