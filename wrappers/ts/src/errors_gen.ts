/** Generated from contracts/ by make wrappers-ts. Not to be edited. */

/** Exit codes of the contracts: 4xx who, 5xx money, 6xx order. */
export const ExitCode = {
    wrongSender: 400,
    wrongSignature: 401,
    /** the zero key, the identity key, or no proof of possession */
    wrongKey: 402,
    wrongNetwork: 403,
    /** signed for another contract */
    wrongContract: 404,
    wrongWorkchain: 405,
    notEnoughValue: 500,
    notEnoughStake: 501,
    notEnoughFree: 502,
    overAllowance: 503,
    /** zero, or above what the rule allows */
    wrongAmount: 504,
    notEnoughBond: 505,
    wrongPhase: 600,
    tooEarly: 601,
    tooLate: 602,
    staleRevision: 603,
    unknownWorker: 604,
    workerInactive: 605,
    tooMany: 606,
    wrongRecord: 607,
    noTerms: 608,
    wrongTerms: 609,
    /** not a proof of this root, or not from the cursor on */
    wrongPage: 610,
    /** leaves do not ascend */
    wrongOrder: 611,
    wrongSum: 612,
    alreadyClaimed: 613,
    /** an epoch is pending */
    pending: 614,
    unknownCode: 615,
    wrongOffer: 616,
    /** no such change, model or image */
    unknownEntry: 617,
    wrongChange: 618,
    /** what is shown does not contradict anything */
    wrongEvidence: 619,
    alreadySlashed: 620,
    /** of an epoch that is neither pending nor next */
    wrongNumber: 621,
    wrongEndpoint: 622,
    /** a receipt was lodged whose number has not passed */
    owing: 623,
    /** of a worker, too far down the dictionary of all */
    deepKey: 624,
    unknownOp: 0xffff,
} as const;
